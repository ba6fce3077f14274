// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the snippets are code.
import { check } from "./outlines.ts";

check({
  name: "functions, decorators, docstrings, one line, lambda",
  language: "python",
  text: `import functools

@functools.cache
async def load(path: str, *, deep: bool = False) -> dict[str, int]:  # noqa

    # first
    """Loads it."""
    key = lambda it: it.name
    return {}


class Store(Base):
    'A store.'

    def one(self): return 1

    @property
    def size(self) -> int:
        # counted
        return len(self)
# after
def last(
    a,
    b,
):
\tif a:
\t\treturn b
`,
  want: [
    [
      "function",
      "load",
      "@functools.cache\nasync def load(path: str, *, deep: bool = False) -> dict[str, int]:",
      '    # first\n    """Loads it."""\n    key = lambda it: it.name\n    return {}',
      '"""Loads it."""',
    ],
    ["function", "key", "key = lambda it: ", "it.name", null],
    [
      "class",
      "Store",
      "class Store(Base):",
      "    'A store.'\n\n    def one(self): return 1\n\n    @property\n    def size(self) -> int:\n        # counted\n        return len(self)",
      "'A store.'",
    ],
    ["method", "one", "def one(self):", "return 1", null],
    ["method", "size", "@property\n    def size(self) -> int:", "        # counted\n        return len(self)", null],
    ["function", "last", "def last(\n    a,\n    b,\n):", "\tif a:\n\t\treturn b", null],
  ],
});

check({
  name: "methods, modules, endless methods, lambdas",
  language: "ruby",
  text: `# frozen_string_literal: true

# A shop.
# Sells.
class Shop < Base
  # Opens it.
  def open(at, by: 1)
    @at = at
  end

  def self.build = new
  def shut; 1; end
  def empty?
  end
  TWICE = ->(x) { x * 2 }
end

module Tools
end
`,
  want: [
    [
      "class",
      "Shop",
      "class Shop < Base",
      "\n  # Opens it.\n  def open(at, by: 1)\n    @at = at\n  end\n\n  def self.build = new\n  def shut; 1; end\n  def empty?\n  end\n  TWICE = ->(x) { x * 2 }\n",
      "# A shop.\n# Sells.",
    ],
    ["method", "open", "def open(at, by: 1)", "\n    @at = at\n  ", "# Opens it."],
    ["method", "build", "def self.build = ", "new", null],
    ["method", "shut", "def shut", "; 1; ", null],
    ["method", "empty?", "def empty?", "\n  ", null],
    ["function", "TWICE", "TWICE = ->(x) {", " x * 2 ", null],
    ["class", "Tools", "module Tools", "\n", null],
  ],
});

check({
  name: "functions, classes, attributes, closures",
  language: "php",
  text: `<?php
declare(strict_types=1);
/** Adds. */
#[Pure]
function add(int $a, ?int $b = null): int { return $a; }
final class Shop extends Base implements Sells {
  public function __construct(private readonly int $n) {}
  abstract protected function shut(): void;
}
$twice = fn(int $x): int => $x * 2;
$log = function () use ($twice) { echo 1; };
enum Level: string { case Low = 'l'; }
`,
  want: [
    ["function", "add", "#[Pure]\nfunction add(int $a, ?int $b = null): int {", " return $a; ", "/** Adds. */"],
    [
      "class",
      "Shop",
      "final class Shop extends Base implements Sells {",
      "\n  public function __construct(private readonly int $n) {}\n  abstract protected function shut(): void;\n",
      null,
    ],
    ["method", "__construct", "public function __construct(private readonly int $n) {", "", null],
    ["method", "shut", "abstract protected function shut(): void;", null, null],
    ["function", "$twice", "$twice = fn(int $x): int => ", "$x * 2", null],
    ["function", "$log", "$log = function () use ($twice) {", " echo 1; ", null],
    ["other", "Level", "enum Level: string {", " case Low = 'l'; ", null],
  ],
});

check({
  name: "functions",
  language: "shellscript",
  text: `#!/usr/bin/env bash
# Greets.
greet() {
  local name="\${1:-you}"
  echo "hi $name" | tr a-z A-Z
}
function part { [[ -f $1 ]] && cat <<< "$1"; }
in_shell() ( cd /tmp; ls )
`,
  want: [
    ["function", "greet", "greet() {", '\n  local name="${1:-you}"\n  echo "hi $name" | tr a-z A-Z\n', "# Greets."],
    ["function", "part", "function part {", ' [[ -f $1 ]] && cat <<< "$1"; ', null],
    ["function", "in_shell", "in_shell() ", "( cd /tmp; ls )", null],
  ],
});

check({
  name: "functions and classes",
  language: "powershell",
  text: `<# Gets. #>
function Get-Thing([string]$Name) {
  param()
  Write-Output $Name
}
class Shop { [int] Sell([int]$a) { return $a } }
`,
  want: [
    [
      "function",
      "Get-Thing",
      "function Get-Thing([string]$Name) {",
      "\n  param()\n  Write-Output $Name\n",
      "<# Gets. #>",
    ],
    ["class", "Shop", "class Shop {", " [int] Sell([int]$a) { return $a } ", null],
    ["method", "Sell", "[int] Sell([int]$a) {", " return $a ", null],
  ],
});

check({
  name: "rules",
  language: "css",
  text: `/* Buttons. */
.button,
a > b::before { color: red; &:hover { margin: 0 } }
@media (min-width: 30em) { .wide { width: calc(100% - 2px); } }
@keyframes spin { from { top: 0 } to { top: 1px } }
`,
  want: [
    [
      "other",
      ".button, a > b::before",
      ".button,\na > b::before {",
      " color: red; &:hover { margin: 0 } ",
      "/* Buttons. */",
    ],
    ["other", "&:hover", "&:hover {", " margin: 0 ", null],
    ["other", "@media", "@media (min-width: 30em) {", " .wide { width: calc(100% - 2px); } ", null],
    ["other", ".wide", ".wide {", " width: calc(100% - 2px); ", null],
    ["other", "spin", "@keyframes spin {", " from { top: 0 } to { top: 1px } ", null],
  ],
});
