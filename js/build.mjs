// One entry per widget: its module and its style sheet, side by side in the Python package.
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const watch = process.argv.includes("--watch");
const options = {
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  entryPoints: { lesson: "src/widgets/lesson.ts", stage: "src/widgets/stage.ts" },
  outdir: fileURLToPath(new URL("../bbp_widgets/static", import.meta.url)),
  bundle: true,
  format: "esm",
  target: ["es2022"],
  minify: !watch,
  sourcemap: watch ? "inline" : false,
  legalComments: "none",
  logLevel: "info",
};

if (watch) {
  await (await esbuild.context(options)).watch();
} else {
  await esbuild.build(options);
}
