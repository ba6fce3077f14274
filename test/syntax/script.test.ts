import { check } from "./outlines.ts";

check({
  name: "functions, exported, generated, overloaded, nested",
  language: "typescript",
  text: `import { readFile } from "node:fs/promises";

/** Reads it. */
export async function load(path: string): Promise<string> {
  function inner(): void {}
  return readFile(path, "utf8");
}

export function pick(a: string): string;
export function pick(a: unknown): unknown {
  return a;
}

function* count<T extends number>(to: T): Generator<number> {
  yield to;
}

export default function () {}
declare function ambient(): { a: string };
`,
  want: [
    [
      "function",
      "load",
      "export async function load(path: string): Promise<string> {",
      '\n  function inner(): void {}\n  return readFile(path, "utf8");\n',
      "/** Reads it. */",
    ],
    ["function", "inner", "function inner(): void {", "", null],
    ["function", "pick", "export function pick(a: string): string;", null, null],
    ["function", "pick", "export function pick(a: unknown): unknown {", "\n  return a;\n", null],
    ["function", "count", "function* count<T extends number>(to: T): Generator<number> {", "\n  yield to;\n", null],
    ["function", "default", "export default function () {", "", null],
    ["function", "ambient", "declare function ambient(): { a: string };", null, null],
  ],
});

check({
  name: "variables, properties and assignments that hold functions",
  language: "typescript",
  text: `// Not a doc comment.
export const add = (a: number, b: number): number => a + b;
const pair = (a: string) => ({ a });
let one = function () { return 1; }, two = 2;
const typed = ((x) => x) satisfies Mapper;
const notOne = list.map((x) => x);
const api = {
  /** Starts. */
  start() { go(); },
  stop: async () => { halt(); },
  "quoted": function () {},
};
exports.helper = function () {};
const Shape = class {};
`,
  want: [
    ["function", "add", "export const add = (a: number, b: number): number => ", "a + b", null],
    ["function", "pair", "const pair = (a: string) => ", "({ a })", null],
    ["function", "one", "one = function () {", " return 1; ", null],
    ["function", "typed", "const typed = ((x) => ", "x", null],
    ["method", "start", "start() {", " go(); ", "/** Starts. */"],
    ["function", "stop", "stop: async () => {", " halt(); ", null],
    ["function", "quoted", '"quoted": function () {', "", null],
    ["function", "helper", "exports.helper = function () {", "", null],
    ["class", "Shape", "const Shape = class {", "", null],
  ],
});

check({
  name: "a class with everything in it",
  language: "typescript",
  text: `/**
 * A cache.
 */
@sealed
export abstract class Cache<K, V> extends Base<K> implements Store {
  #size = 0;
  constructor(private readonly max: number) { super(); }
  /** Its size. */
  @memo()
  @bound get size(): number { return this.#size; }
  static of = <K,>(max: number) => new Cache<K>(max);
  get(key: K): V | null;
  protected abstract drop(key: K): void;
  async *[Symbol.asyncIterator]() {}
  accessor limit = 1;
}
`,
  want: [
    [
      "class",
      "Cache",
      "@sealed\nexport abstract class Cache<K, V> extends Base<K> implements Store {",
      `
  #size = 0;
  constructor(private readonly max: number) { super(); }
  /** Its size. */
  @memo()
  @bound get size(): number { return this.#size; }
  static of = <K,>(max: number) => new Cache<K>(max);
  get(key: K): V | null;
  protected abstract drop(key: K): void;
  async *[Symbol.asyncIterator]() {}
  accessor limit = 1;
`,
      "/**\n * A cache.\n */",
    ],
    ["method", "constructor", "constructor(private readonly max: number) {", " super(); ", null],
    ["method", "size", "@memo()\n  @bound get size(): number {", " return this.#size; ", "/** Its size. */"],
    ["function", "of", "static of = <K,>(max: number) => ", "new Cache<K>(max)", null],
    ["method", "get", "get(key: K): V | null;", null, null],
    ["method", "drop", "protected abstract drop(key: K): void;", null, null],
    ["method", "[Symbol.asyncIterator]", "async *[Symbol.asyncIterator]() {", "", null],
  ],
});

check({
  name: "types, enums, namespaces, a class in a function",
  language: "typescript",
  text: `/** A shape. */
export interface Shape { area(): number }
type Names = { a: string };
type Id = string | number;
const enum Level { Low, High }
namespace Inner { export function f() {} }
function make() {
  return class {};
}
function wrap() { class Local { m() {} } }
`,
  want: [
    ["class", "Shape", "export interface Shape {", " area(): number ", "/** A shape. */"],
    ["method", "area", "area(): number", null, null],
    ["other", "Names", "type Names = {", " a: string ", null],
    ["other", "Id", "type Id = string | number;", null, null],
    ["other", "Level", "const enum Level {", " Low, High ", null],
    ["other", "Inner", "namespace Inner {", " export function f() {} ", null],
    ["function", "f", "export function f() {", "", null],
    ["function", "make", "function make() {", "\n  return class {};\n", null],
    ["function", "wrap", "function wrap() {", " class Local { m() {} } ", null],
    ["class", "Local", "class Local {", " m() {} ", null],
    ["method", "m", "m() {", "", null],
  ],
});

check({
  name: "what stands between a doc comment and its function",
  language: "javascript",
  text: `/* a licence */

/** Kept. */
// eslint-disable-next-line
function a() {}

/** Too far. */

function b() {}
call(); // trailing
function c() {}
/** First. */
/** Second. */
function d() {}
/** Same line. */ function e() {}
`,
  want: [
    ["function", "a", "function a() {", "", "/** Kept. */"],
    ["function", "b", "function b() {", "", null],
    ["function", "c", "function c() {", "", null],
    ["function", "d", "function d() {", "", "/** Second. */"],
    ["function", "e", "function e() {", "", "/** Same line. */"],
  ],
});

check({
  name: "components",
  language: "typescriptreact",
  text: `export const Button = ({ label }: Props) => <button onClick={() => go()}>{label} ok</button>;
export function List<T,>(props: { items: T[] }) {
  return <>{props.items.map((it) => <li key={it.id}>{it.name}</li>)}</>;
}
`,
  want: [
    [
      "function",
      "Button",
      "export const Button = ({ label }: Props) => ",
      "<button onClick={() => go()}>{label} ok</button>",
      null,
    ],
    [
      "function",
      "List",
      "export function List<T,>(props: { items: T[] }) {",
      "\n  return <>{props.items.map((it) => <li key={it.id}>{it.name}</li>)}</>;\n",
      null,
    ],
  ],
});

check({
  name: "fields, statics and CommonJS",
  language: "javascriptreact",
  text: `class View { handle = () => this.go(); static of() { return <View a="1" />; } }
module.exports = { open() {}, get shut() { return 1; } };
`,
  want: [
    ["class", "View", "class View {", ' handle = () => this.go(); static of() { return <View a="1" />; } ', null],
    ["function", "handle", "handle = () => ", "this.go()", null],
    ["method", "of", "static of() {", ' return <View a="1" />; ', null],
    ["method", "open", "open() {", "", null],
    ["method", "shut", "get shut() {", " return 1; ", null],
  ],
});
