import { check } from "./outlines.ts";

check({
  name: "functions, methods, types, function values",
  language: "go",
  text: `package store

// Store keeps things.
// It is safe.
type Store struct { items map[string]int }

type (
	Reader interface { Read(p []byte) (int, error) }
	ID = string
)

/* Get gets. */
func (s *Store) Get(key string) (int, error) {
	return s.items[key], nil
}

func Map[T any, U any](in []T, f func(T) U) []U { return nil }

var less = func(a, b int) bool { return a < b }
`,
  want: [
    ["class", "Store", "type Store struct {", " items map[string]int ", "// Store keeps things.\n// It is safe."],
    ["class", "Reader", "Reader interface {", " Read(p []byte) (int, error) ", null],
    ["method", "Read", "Read(p []byte) (int, error)", null, null],
    ["other", "ID", "ID = string", null, null],
    [
      "method",
      "Get",
      "func (s *Store) Get(key string) (int, error) {",
      "\n\treturn s.items[key], nil\n",
      "/* Get gets. */",
    ],
    ["function", "Map", "func Map[T any, U any](in []T, f func(T) U) []U {", " return nil ", null],
    ["function", "less", "var less = func(a, b int) bool {", " return a < b ", null],
  ],
});

check({
  name: "items, impl blocks, attributes, closures",
  language: "rust",
  text: `/// A point.
/// In a plane.
#[derive(Debug, Clone)]
pub struct Point<T> { x: T }
struct Wrapper(i32);

impl<T: Copy> Shape for Point<T> {
    /// Its area.
    #[inline]
    pub async fn area<'a>(&'a self) -> T where T: Copy { self.x }
}
trait Shape { fn name(&self) -> String; }
fn main() {
    let double = |x: i32| x * 2;
    let block = move || { 1 };
}
`,
  want: [
    ["class", "Point", "#[derive(Debug, Clone)]\npub struct Point<T> {", " x: T ", "/// A point.\n/// In a plane."],
    ["class", "Wrapper", "struct Wrapper(i32);", null, null],
    [
      "class",
      "Point",
      "impl<T: Copy> Shape for Point<T> {",
      "\n    /// Its area.\n    #[inline]\n    pub async fn area<'a>(&'a self) -> T where T: Copy { self.x }\n",
      null,
    ],
    [
      "method",
      "area",
      "#[inline]\n    pub async fn area<'a>(&'a self) -> T where T: Copy {",
      " self.x ",
      "/// Its area.",
    ],
    ["class", "Shape", "trait Shape {", " fn name(&self) -> String; ", null],
    ["method", "name", "fn name(&self) -> String;", null, null],
    ["function", "main", "fn main() {", "\n    let double = |x: i32| x * 2;\n    let block = move || { 1 };\n", null],
    ["function", "double", "let double = |x: i32| ", "x * 2", null],
    ["function", "block", "let block = move || {", " 1 ", null],
  ],
});

check({
  name: "classes, records, annotations, lambdas",
  language: "java",
  text: `package a.b;
/** A shop. */
@Deprecated
public sealed class Shop<T> extends Base permits Kiosk {
  /** Sells. */
  @Override public <U> int sell(U it) throws IOException { return 1; }
  Shop() { super(); }
  abstract void shut();
  Function<Integer, Integer> f = x -> x + 1;
}
record Pair(int a, int b) { Pair { check(a); } }
enum Level { LOW, HIGH; int n() { return 1; } }
`,
  want: [
    [
      "class",
      "Shop",
      "@Deprecated\npublic sealed class Shop<T> extends Base permits Kiosk {",
      "\n  /** Sells. */\n  @Override public <U> int sell(U it) throws IOException { return 1; }\n  Shop() { super(); }\n  abstract void shut();\n  Function<Integer, Integer> f = x -> x + 1;\n",
      "/** A shop. */",
    ],
    ["method", "sell", "@Override public <U> int sell(U it) throws IOException {", " return 1; ", "/** Sells. */"],
    ["method", "Shop", "Shop() {", " super(); ", null],
    ["method", "shut", "abstract void shut();", null, null],
    ["function", "f", "Function<Integer, Integer> f = x -> ", "x + 1", null],
    ["class", "Pair", "record Pair(int a, int b) {", " Pair { check(a); } ", null],
    ["method", "Pair", "Pair {", " check(a); ", null],
    ["other", "Level", "enum Level {", " LOW, HIGH; int n() { return 1; } ", null],
    ["method", "n", "int n() {", " return 1; ", null],
  ],
});

check({
  name: "functions, prototypes, structures",
  language: "c",
  text: `#include <stdio.h>
/* Adds. */
static int *add(const int *a, size_t n) { int x = 1; return 0; }
int later(int a);
int (*callback)(int);
struct point { int x, y; };
typedef struct { int a; } pair_t;
enum level { LOW, HIGH };
`,
  want: [
    ["function", "add", "static int *add(const int *a, size_t n) {", " int x = 1; return 0; ", "/* Adds. */"],
    ["function", "later", "int later(int a);", null, null],
    ["class", "point", "struct point {", " int x, y; ", null],
    ["class", "pair_t", "typedef struct {", " int a; ", null],
    ["other", "level", "enum level {", " LOW, HIGH ", null],
  ],
});

check({
  name: "templates, members, operators, lambdas",
  language: "cpp",
  text: `namespace a::b {
/// A box.
template <typename T>
class Box : public Base {
 public:
  explicit Box(T v) : v_(v) {}
  ~Box() = default;
  virtual void open(int) const = 0;
  bool operator==(const Box &o) const { return true; }
};
int Box<int>::size() const noexcept { return 1; }
auto twice = [](int x) { return x * 2; };
}
`,
  want: [
    [
      "other",
      "a::b",
      "namespace a::b {",
      "\n/// A box.\ntemplate <typename T>\nclass Box : public Base {\n public:\n  explicit Box(T v) : v_(v) {}\n  ~Box() = default;\n  virtual void open(int) const = 0;\n  bool operator==(const Box &o) const { return true; }\n};\nint Box<int>::size() const noexcept { return 1; }\nauto twice = [](int x) { return x * 2; };\n",
      null,
    ],
    [
      "class",
      "Box",
      "template <typename T>\nclass Box : public Base {",
      "\n public:\n  explicit Box(T v) : v_(v) {}\n  ~Box() = default;\n  virtual void open(int) const = 0;\n  bool operator==(const Box &o) const { return true; }\n",
      "/// A box.",
    ],
    ["method", "Box", "explicit Box(T v) : v_(v) {", "", null],
    ["method", "~Box", "~Box() = default;", null, null],
    ["method", "open", "virtual void open(int) const = 0;", null, null],
    ["method", "operator==", "bool operator==(const Box &o) const {", " return true; ", null],
    ["function", "size", "int Box<int>::size() const noexcept {", " return 1; ", null],
    ["function", "twice", "auto twice = [](int x) {", " return x * 2; ", null],
  ],
});

check({
  name: "members, properties, local functions",
  language: "csharp",
  text: `namespace A.B;
/// <summary>A shop.</summary>
[Serializable]
public sealed class Shop<T> : Base where T : class {
  public int Count { get; private set; }
  public int Twice => Count * 2;
  public Shop() : base() { }
  [Pure] public async Task<int> Sell(T it) { int Tax(int a) => a; return Tax(1); }
  public static Shop<T> operator +(Shop<T> a, int b) => a;
}
interface IShop { void Shut(); }
record Pair(int A, int B);
`,
  want: [
    [
      "class",
      "Shop",
      "[Serializable]\npublic sealed class Shop<T> : Base where T : class {",
      "\n  public int Count { get; private set; }\n  public int Twice => Count * 2;\n  public Shop() : base() { }\n  [Pure] public async Task<int> Sell(T it) { int Tax(int a) => a; return Tax(1); }\n  public static Shop<T> operator +(Shop<T> a, int b) => a;\n",
      "/// <summary>A shop.</summary>",
    ],
    ["other", "Count", "public int Count {", " get; private set; ", null],
    ["other", "Twice", "public int Twice => ", "Count * 2", null],
    ["method", "Shop", "public Shop() : base() {", " ", null],
    ["method", "Sell", "[Pure] public async Task<int> Sell(T it) {", " int Tax(int a) => a; return Tax(1); ", null],
    ["function", "Tax", "int Tax(int a) => ", "a", null],
    ["method", "+", "public static Shop<T> operator +(Shop<T> a, int b) => ", "a", null],
    ["class", "IShop", "interface IShop {", " void Shut(); ", null],
    ["method", "Shut", "void Shut();", null, null],
    ["class", "Pair", "record Pair(int A, int B);", null, null],
  ],
});
