/** One value that was scraped. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metrics {
  readonly text: string;
  readonly families: readonly { readonly name: string; readonly help: string; readonly type: string }[];
  readonly samples: readonly Sample[];
  /** Of the one series with this name that has these labels, and maybe others; null: there is none. */
  value(name: string, labels: Readonly<Record<string, string>>): number | null;
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;

/** Reads Prometheus' text format; throws at a line that is none, at a value without a type and at a series that comes twice. */
export function readMetrics(text: string): Metrics {
  const helps = new Map<string, string>();
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  for (const line of text.split("\n")) {
    const help = HELP.exec(line);
    const type = TYPE.exec(line);
    if (line === "") continue;
    else if (help) helps.set(help[1] ?? "", help[2] ?? "");
    else if (type) types.set(type[1] ?? "", type[2] ?? "");
    else samples.push(sampleIn(line));
  }
  for (const { name, labels } of samples) {
    const key = JSON.stringify([name, Object.entries(labels).sort()]);
    if (seen.has(key)) throw new Error(`twice: ${key}`);
    seen.add(key);
    if (!types.has(name) && types.get(name.replace(/_(bucket|sum|count)$/, "")) !== "histogram")
      throw new Error(`${name} has no type`);
  }
  return {
    text,
    samples,
    families: [...types].map(([name, type]) => ({ name, type, help: helps.get(name) ?? "" })),
    value(name, labels) {
      const found = samples.filter(
        (it) => it.name === name && Object.entries(labels).every(([label, value]) => it.labels[label] === value),
      );
      if (found.length > 1) throw new Error(`${found.length} series ${name} ${JSON.stringify(labels)}`);
      return found[0]?.value ?? null;
    },
  };
}

function sampleIn(line: string): Sample {
  const found = SAMPLE.exec(line);
  const [, name = "", list = "", number = ""] = found ?? [];
  const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
  if (!found || Number.isNaN(value)) throw new Error(`no sample: ${line}`);
  return { name, labels: labelsIn(list), value };
}

function labelsIn(list: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < list.length) {
    const [, name = "", value = ""] = LABEL.exec(list) ?? [];
    if (name === "") throw new Error(`no labels: ${list}`);
    labels[name] = value.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign));
  }
  return labels;
}
