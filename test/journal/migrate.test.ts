import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { migrate } from "../../server/journal/database.ts";

const STEPS = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y", "CREATE TABLE b (x)"];

test("a journal of any version is brought to the newest, once, and keeps what it has", () => {
  using database = new DatabaseSync(":memory:");
  migrate(database, STEPS.slice(0, 1));
  database.exec("INSERT INTO a VALUES (1)");
  migrate(database, STEPS);
  migrate(database, STEPS);
  assert.deepEqual({ ...database.prepare("SELECT x, y FROM a").get() }, { x: 1, y: null });
  assert.deepEqual({ ...database.prepare("PRAGMA user_version").get() }, { user_version: 3 });
});

test("a step that fails leaves the version before it", () => {
  using database = new DatabaseSync(":memory:");
  migrate(database, STEPS.slice(0, 1));
  assert.throws(() => migrate(database, [...STEPS.slice(0, 2), "CREATE TABLE a (again)"]), /already exists/);
  assert.deepEqual({ ...database.prepare("PRAGMA user_version").get() }, { user_version: 1 });
  assert.throws(() => database.prepare("SELECT y FROM a"), /no such column/);
});
