/** What the kernel would say of its network once, before any film. */

export const CLASSES =
  "Egyptian cat|tabby|tiger cat|lynx|saltshaker|hot dog|goldfinch|sundial|lighthouse|pretzel|toy poodle|broom".split(
    "|",
  );

export const SETUP = {
  network: "ResNet-18",
  classes: CLASSES,
  samples: CLASSES.slice(0, 7).map((label, index) => ({ name: `${index + 1} of 7`, label })),
  rules: [
    { name: "uniform", says: "every input alike", formula: "φ", standard: {}, parameters: [] },
    {
      name: "proportional",
      says: "by size of contribution",
      formula: "φ",
      standard: { power: 1 },
      parameters: [{ name: "power", label: "power", min: 0.25, max: 4, default: 1, scale: "log" }],
    },
    {
      name: "softmax",
      says: "the same, sharper as T falls",
      formula: "φ",
      standard: { temperature: 1 },
      parameters: [
        { name: "temperature", label: "temperature", min: 0.05, max: 20, default: 1, scale: "log" },
      ],
    },
    {
      name: "softmin",
      says: "to the inputs that the gradient part uses least",
      formula: "φ",
      standard: { temperature: 1 },
      parameters: [
        { name: "temperature", label: "temperature", min: 0.05, max: 20, default: 1, scale: "log" },
      ],
    },
    {
      name: "aligned",
      says: "to the inputs pushing the way the bias pushes",
      formula: "φ",
      standard: {},
      parameters: [],
    },
    {
      name: "opposed",
      says: "to the inputs the bias works against",
      formula: "φ",
      standard: {},
      parameters: [],
    },
    { name: "winner", says: "all to the largest", formula: "φ", standard: {}, parameters: [] },
    { name: "weights", says: "by wiring alone", formula: "φ", standard: {}, parameters: [] },
  ],
  uploads: true,
  offline: false,
  notices: [],
};
