/** The dict traits, read with care: an empty dict means that there is nothing. */

import { Fields } from "../fields";
import type { Failure, Progress, Request, Rule, RuleParameter, Setup } from "../film";
import { readLane } from "../wire";

type Dict = Record<string, unknown>;

function given(dict: Dict | undefined, what: string): Fields | null {
  if (!dict || Object.keys(dict).length === 0) return null;
  return new Fields(dict, what);
}

export function readSetup(dict: Dict | undefined): Setup {
  const setup = given(dict, "setup");
  if (!setup) {
    const none = { network: "", classes: null, samples: [], rules: [], notices: [] };
    return { ...none, uploads: false, offline: false };
  }
  return {
    network: setup.text("network"),
    classes: setup.textsOrNull("classes"),
    samples: setup.list("samples").map((sample, index) => {
      const fields = new Fields(sample, `setup.samples[${index}]`);
      return { name: fields.text("name"), label: fields.textOrNull("label") };
    }),
    rules: setup
      .list("rules")
      .map((rule, index) => readRule(new Fields(rule, `setup.rules[${index}]`))),
    uploads: setup.flag("uploads"),
    offline: setup.names.includes("offline") && setup.flag("offline"),
    notices: setup.texts("notices"),
  };
}

function readRule(rule: Fields): Rule {
  const parameters = rule.list("parameters").map((entry, index) => {
    const fields = new Fields(entry, `${rule.path}.parameters[${index}]`);
    const scale: RuleParameter["scale"] = fields.text("scale") === "log" ? "log" : "linear";
    return {
      name: fields.text("name"),
      label: fields.text("label"),
      min: fields.number("min"),
      max: fields.number("max"),
      default: fields.number("default"),
      scale,
    };
  });
  return {
    name: rule.text("name"),
    says: rule.text("says"),
    formula: rule.text("formula"),
    standard: rule.parameters("standard"),
    parameters,
  };
}

export function readProgress(dict: Dict | undefined): Progress | null {
  const progress = given(dict, "progress");
  if (!progress) return null;
  return {
    seq: progress.figure("seq"),
    lane: progress.size("lane"),
    stage: progress.text("stage"),
    done: progress.number("done"),
    total: progress.number("total"),
    known: progress.names.includes("known") ? readKnown(progress.fields("known")) : null,
  };
}

function readKnown(known: Fields): Progress["known"] {
  return {
    target: known.text("target"),
    value: known.figure("value"),
    gradient: known.figure("gradient"),
    bias: known.figure("bias"),
  };
}

export function readError(dict: Dict | undefined): Failure | null {
  const error = given(dict, "error");
  if (!error) return null;
  return { seq: error.figure("seq"), lane: error.figure("lane"), ...readWords(error) };
}

/** What went wrong with one question: its message says which. */
export function readRefusal(dict: unknown): Failure | null {
  const error = given(dict as Dict | undefined, "error");
  return error ? { seq: null, lane: null, ...readWords(error) } : null;
}

function readWords(error: Fields): Pick<Failure, "title" | "message" | "traceback"> {
  return {
    title: error.text("title"),
    message: error.text("message"),
    traceback: error.text("traceback"),
  };
}

/** A look that Python asked for, or a part of one. */
export function readPut(dict: Dict | undefined): { seq: number; look: Dict } | null {
  const put = given(dict, "put");
  return put ? { seq: put.size("seq"), look: put.object("look") } : null;
}

export function readRequest(dict: Dict | undefined): Request | null {
  const request = given(dict, "request");
  if (!request) return null;
  return {
    seq: request.size("seq"),
    sample: request.size("sample"),
    target: request.figure("target"),
    versus: request.figure("versus"),
    lanes: request.each("lanes", readLane),
    wanted: request.sizes("wanted"),
  };
}
