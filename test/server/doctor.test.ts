import assert from "node:assert/strict";
import { test } from "node:test";
import { doctor } from "../../server/protocol/doctor.ts";
import { card } from "../gpu/smi.ts";
import { machine } from "./gpuMachine.ts";

const POSIX = { skip: process.platform !== "linux" };
const never = new AbortController().signal;

test(
  "an orchestrator tells of its machine: by the settings of who asks, problems first, names as they are",
  POSIX,
  async () => {
    const name = "A [card](https://example.com) *of* <b>ours</b>";
    await using site = await machine({
      cards: [card(0, { name, "memory.used": "24000", "memory.free": "576" })],
      processes: ["GPU-00000000-1111-2222-3333-444444444444, 4242, 23000, /usr/bin/game"],
    });
    const found = await site.client.send(doctor, {}, () => undefined, never);
    assert.equal(found.tier, "PROSUMER");
    const [first] = found.problems;
    assert.match(`${first?.weight}: ${first?.what} -> ${first?.nextStep}`, /^warning: GPU 0, .* only 2 % .* -> .*game/);
    const { markdown } = found;
    assert.ok(markdown.indexOf("## Problems") < markdown.indexOf("## GPUs"));
    assert.match(markdown, /^- \*\*warning\*\*: GPU 0, A \\\[card\\\]/m);
    assert.doesNotMatch(markdown, /(?<!\\)(<b|\]\(https:)/, "what a driver says is no Markdown");
    assert.match(markdown, /^## Set-up\n\n- llama\.cpp with Q4\\_K\\_M/m);
    assert.match(markdown, /^- draft and audit and embed: its own on http:\/\/127\.0\.0\.1:\d+, served there$/m);
    assert.match(markdown, new RegExp(`^- process ${await site.instance.pid()} of version`, "m"));
  },
);
