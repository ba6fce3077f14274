import assert from "node:assert/strict";
import * as vscode from "vscode";
import { closeEverything, DOCSTRING, openSource, proposal, SOURCE, setting, told, useModel } from "./desk.ts";

/** Settings take effect without a restart. */
export function configuring(): void {
  describe("configuring", () => {
    afterEach(async () => {
      await setting("maxTokens", undefined);
      await closeEverything();
    });

    it("sends the next task to the endpoint that is set by then", async () => {
      await using first = await useModel(() => DOCSTRING);
      await documentOnce("one.ts");
      await using second = await useModel(() => DOCSTRING);
      await documentOnce("two.ts");
      assert.equal(first.requests.length, 1);
      assert.equal(second.requests.length, 1);
    });

    it("passes the ceiling on tokens on to the model", async () => {
      await using model = await useModel(() => DOCSTRING);
      await setting("maxTokens", 77);
      await documentOnce("tokens.ts");
      assert.match(JSON.stringify(model.requests[0]?.body), /"(max_tokens|n_predict|max_completion_tokens)":77/);
    });

    it("names a setting that is not valid, and works on with its default", async () => {
      await using _model = await useModel(() => DOCSTRING);
      await setting("maxTokens", -5);
      await documentOnce("invalid.ts");
      await told.next(/tandem\.maxTokens/);
    });
  });
}

async function documentOnce(name: string): Promise<void> {
  await openSource(name, SOURCE);
  await vscode.commands.executeCommand("tandem.docstring");
  await proposal();
  await vscode.commands.executeCommand("tandem.rejectEdit");
}
