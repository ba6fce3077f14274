// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the snippets are code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { syntax } from "./outlines.ts";

/** Correct code that must not count as broken: a parser that refuses it makes us refuse good drafts. */
const CORRECT: readonly { readonly language: string; readonly text: string }[] = [
  ...[
    "const a = { b: 1 } satisfies Record<string, number>;",
    "function f() { using file = open(); return file.size; }",
    "async function f() { await using db = connect(); }",
    "@logged class A { @bound m() {} @observed accessor x = 1; @dec() private z!: string; }",
    "function f<const T extends readonly unknown[]>(a: T): T { return a; }",
    'import data from "./data.json" with { type: "json" };',
    "export const enum Level { Low = 1 << 0, High = `x`.length }",
    "abstract class A { abstract get x(): number; protected abstract readonly y: string; static { init(); } }",
    "class A { f(a: string): void; f(a: number): void; f(a: unknown): void {} declare x: number; override g(): void {} }",
    "type Get<T, K> = K extends `${infer H}.${infer R}` ? H extends keyof T ? Get<T[H], R> : never : K extends keyof T ? T[K] : never;",
    "type Mapped<T> = { -readonly [K in keyof T as `get${Capitalize<K & string>}`]+?: () => T[K] };",
    "interface Box<T> { new (a: T): Box<T>; readonly [key: string]: unknown; get size(): number; set size(n: number) }",
    "function isString(a: unknown): a is string { return typeof a === 'string'; } function check(a: unknown): asserts a is string {}",
    'import type { A } from "a"; import { type B, type C as D } from "b"; export type { A }; export * as ns from "c";',
    "const a = b?.c?.[0]?.(d) ?? e!.f as const; a ??= 1; a ||= 2; x **= 2;",
    "const x = <T,>(a: T) => a; const y = f<string>; new Map<string, Array<Set<number>>>();",
    "let tuple: [first: string, second?: number, ...rest: boolean[]]; let u: unique symbol; let n = 1_000n;",
    "label: for await (const a of b) { continue label; } try { a(); } catch { b(); } finally { c(); }",
    "function f(this: Window, { a = 1, ...rest }: P, [b, , c]: Q, ...more: R[]): asserts this is X {}",
    "class A<T> { #a = 1; has(o: object) { return #a in o; } static async *[Symbol.iterator]<U>() {} }",
    'declare module "x" { export function f(): void; } declare global { interface Window { a: 1 } } declare const y: string;',
    "const re = /[/]\\/(?<name>a)/dgimsuvy.exec(s); const t = tag`a ${b} ${`c ${d}`}`;",
    "export default { name: 'x', async *gen() {}, get [key]() { return 1; }, 'quoted-key'() {}, 42: 1 };",
    "import fs = require('fs'); export = fs; export as namespace Lib;",
    "type F = abstract new (...args: any) => object; type G = typeof import('x'); let v: asserts; let o: object = {};",
    "enum E { A = 'a', B = A } namespace A.B.C { export import D = E.F; }",
    "if (a < b && c > d) {} const g = a < b, h = c > (d); const w = (x as Y)<z;",
    'type A = import("./a.ts").B; const u: typeof globalThis.x; const z = import.meta.url;',
    "const a = async <T,>(x: T) => { await x; }; const { b = 1, c: { d } = {} } = e;",
  ].map((text) => ({ language: "typescript", text })),
  {
    language: "typescriptreact",
    text: "const a = <A<string> b={1} {...c} d-e='f'>{/* g */}{h ? <I /> : null}&nbsp;text's</A>;",
  },
  {
    language: "javascript",
    text: "class A { static #p = 1; static { this.q = 1; } get 'x'() {} } import b from 'a' with { type: 'json' };",
  },
  {
    language: "javascript",
    text: "#!/usr/bin/env node\nconst a = await import('b'); for (const [k, v] of Object.entries(a)) k?.[v]?.(); if (a) async () => {};",
  },
  {
    language: "python",
    text: "match a:\n    case {'x': [1, *rest], **kw} if rest:\n        pass\n    case Point(x=0) | None:\n        pass\n",
  },
  {
    language: "python",
    text: "type A[T] = list[T]\ndef f[T: int](a, /, b, *, c) -> T: ...\nclass B[T](C, metaclass=D): ...\n",
  },
  {
    language: "python",
    text: "if (n := len(a)) > 1: print(f'{n!r:>{w}} {a[\"b\"]}')\nwith (open(a) as b, open(c) as d):\n    pass\ntry:\n    pass\nexcept* E as e:\n    pass\n",
  },
  {
    language: "python",
    text: "async def f():\n    async with a as b, c:\n        async for d in e:\n            yield [x async for x in y]\n    return lambda *a, **k: (yield)\n",
  },
  {
    language: "go",
    text: 'package a\nimport . "b"\ntype N interface { ~int | ~string }\ntype L[T any] struct { *Base; next *L[T] `json:"n"` }\nfunc f() { for i := range 10 { go func() { defer g(i) }() }; select { case v, ok := <-c: _ = v; default: } }\n',
  },
  {
    language: "rust",
    text: "async fn f<const N: usize>(a: impl Fn(i32) -> i32 + 'static) -> Result<(), Box<dyn Error>> { let Some(x) = y else { return Ok(()) }; if let Some(a) = b && c { } x.await?; Ok(()) }",
  },
  {
    language: "rust",
    text: '#![allow(x)]\nmacro_rules! m { ($($a:expr),* $(,)?) => { $( f($a); )* }; }\nunsafe extern "C" { fn g(); }\nlet c = c"x"; fn h() { println!("{x:?}"); \'a: loop { break \'a; } }',
  },
  {
    language: "java",
    text: 'class A { sealed interface S permits R {} record R(int a) implements S {} int f(Object o) { return switch (o) { case R(int a) when a > 1 -> a; case null, default -> { yield 1; } }; } String t = """\n  x\n  """; }',
  },
  {
    language: "csharp",
    text: 'using static System.Math;\nclass A(int b) : C(b) { public required string D { get; init; } int[] e = [1, 2, ..f]; string g = $"""x {b} """; bool H(object o) => o is { Length: > 1 } and not null; }',
  },
  {
    language: "cpp",
    text: 'template <typename T> concept C = requires(T a) { { a.x() } -> std::same_as<int>; };\nauto f(C auto x) -> decltype(x) { if constexpr (true) { co_return x; } auto [a, b] = p; return a <=> b; }\nenum class E : int {}; constexpr int operator""_k(unsigned long long v) { return 1; }',
  },
  {
    language: "c",
    text: '#define X(a) do { f(a); } while (0)\n#if defined(A) && B > 1\nint *restrict p;\n#endif\nstruct s a = { .x = 1, [2] = 3 }; _Static_assert(1, "x"); int f(int n, int a[static n]) { return sizeof(struct s); }',
  },
  {
    language: "ruby",
    text: 'def f(a, *b, c: 1, **d, &e) = a&.b(*b, **d) => {x:}\ncase [1, [2]]\nin [Integer => a, [b, *]] if a > 1 then puts "#{a} #{<<~X}"\n  text\nX\nend\n%w[a b].map(&:to_s).each { |it| p it }\n',
  },
  {
    language: "php",
    text: "<?php\nnamespace A;\nuse B\\{C, D as E};\nreadonly class F { public function __construct(private ?G $g = null, protected readonly int|string $h = 1) {} }\n$x = match(true) { $a > 1, $b => 'c', default => throw new E(), };\n$f = strlen(...); $y = $a?->b?->c ?? [...$d, 'e' => 1];\n",
  },
  {
    language: "shellscript",
    text: 'set -euo pipefail\narr=(a "b c"); for i in "${arr[@]:1:2}"; do case $i in a|b) echo "${i^^}" ;; *) ;; esac; done\nwhile read -r l; do ((n += 1)); done < <(ls)\ncat <<\'EOF\' > x\n$y }\nEOF\n',
  },
  {
    language: "powershell",
    text: "function F {\n  [CmdletBinding()]\n  param([Parameter(Mandatory)][string]$A, [switch]$B)\n  process { $x = @{ a = 1; b = @(1, 2) }; if ($A -match 'x' -and -not $B) { Get-Item $A | Where-Object { $_.Name -eq 'y' } } }\n}\n",
  },
  {
    language: "css",
    text: "@import url(a.css) ;\n:root { --a: calc(1px + 2%); }\n.a:not(.b, #c)::after { content: '}'; inset: 0 auto; color: rgb(0 0 0 / 50%) }\n@container (min-width: 30em) { .d { & > .e { color: var(--a, red) !important } } }\n",
  },
];

for (const { language, text } of CORRECT) {
  test(`${language} is correct: ${text.slice(0, 60).replaceAll("\n", " ")}`, async () => {
    assert.deepEqual((await syntax.outline(text, language)).errors, []);
  });
}

/** Correct too, and refused: limits of the pinned grammars. A row that fails here has become good: move it up. */
const WRONGLY_REFUSED: typeof CORRECT = [
  { language: "typescript", text: "class A { static accessor y = 2; }" },
  { language: "typescript", text: 'export { a } from "./a.json" with { type: "json" };' },
  { language: "typescript", text: "interface Box<out T> {}" },
  { language: "typescript", text: "export default function (): string;" },
  { language: "typescript", text: 'type A = import("./a.ts").B<string>;' },
  { language: "css", text: "@import url(a.css) layer(b);" },
  { language: "css", text: "@container (width > 30em) { a { top: 0 } }" },
];

for (const { language, text } of WRONGLY_REFUSED) {
  test(`${language} is correct but the grammar refuses: ${text}`, async () => {
    assert.notDeepEqual((await syntax.outline(text, language)).errors, []);
  });
}
