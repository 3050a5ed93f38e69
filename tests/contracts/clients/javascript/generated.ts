// The types that openapi-typescript generates, with openapi-fetch: upload, events of a document and of the organisation, pages and a search.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./oyl.js";

const oyl = createClient<paths>({
  baseUrl: process.env.OYL_URL,
  headers: { Authorization: `Bearer ${process.env.OYL_KEY}` },
});

function known<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const workspace = known(await oyl.POST("/api/v1/workspaces/", { body: { name: "Typed" } }));
const library = { workspace: workspace.id, name: "Manuals" };
const reference = known(await oyl.POST("/api/v1/references/", { body: library }));

const form = new FormData();
form.set("reference", reference.id);
form.set("metadata", JSON.stringify({ year: 2026 }));
for (const n of [0, 1, 2]) form.append("files", new Blob([`After jam ${n}, open the rear cover.\n`]), `${n}.md`);
const uploads = known(
  await oyl.POST("/api/v1/documents/upload/", {
    body: { reference: reference.id, files: [] },
    bodySerializer: () => form,
  }),
);

for (const { id } of uploads.results) {
  const events = known(
    await oyl.GET("/api/v1/documents/{id}/events/", { params: { path: { id } }, parseAs: "text" }),
  );
  const states = events.split("\n").filter((line) => line.startsWith("data: "));
  assert.equal(JSON.parse(states.at(-1)!.slice(6)).document.processed_status, "done");
}

// What has happened in the organisation, from the beginning: a stream, which goes on until one has read enough.
const stream = known(
  await oyl.GET("/api/v1/events/", { params: { header: { "Last-Event-ID": "0" } }, parseAs: "stream" }),
);
let happened = "";
const decoder = new TextDecoder();
for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) {
  happened += decoder.decode(piece, { stream: true });
  if (happened.includes('"document.indexed"')) break;
}

const names: string[] = [];
let cursor: string | undefined;
do {
  const query = { reference: reference.id, limit: 2, cursor };
  const page = known(await oyl.GET("/api/v1/documents/", { params: { query } }));
  names.push(...page.results.map((document) => document.filename));
  cursor = page.next_cursor ?? undefined;
} while (cursor);
assert.deepEqual(names.sort(), ["0.md", "1.md", "2.md"]);

const filters = { metadata: { year: { gte: 2025 } } };
const found = known(await oyl.POST("/api/v1/search/", { body: { query: "rear cover", filters } }));
assert.equal(found.results.length, 3);
const refused = await oyl.POST("/api/v1/search/", { body: { query: "" } });
assert.equal(refused.error?.code, "invalid");
