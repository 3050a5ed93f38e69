// What OpenAI's own JavaScript client finds at /v1/, in the version of the package CLIENT. It stops at the first thing that is
// not so.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

const { default: OpenAI, BadRequestError, NotFoundError, toFile } = await import(process.env.CLIENT);
// Version 4 has `del` in place of `delete`.
const remove = (resource, id) => (resource.delete ?? resource.del).call(resource, id);

const BEES = "# Bees\n\nHoney bees dance to tell their sisters where the flowers are.\n";
const QUICKLY = { pollIntervalMs: 50 };

const client = new OpenAI({
  baseURL: `${process.env.OYL_URL}/v1`,
  apiKey: process.env.OYL_KEY,
  maxRetries: 0,
});

const [model] = (await client.models.list()).data;
assert.equal((await client.models.retrieve(model.id)).id, model.id);

const embedded = await client.embeddings.create({ model: model.id, input: [BEES, BEES] });
const plain = await client.embeddings.create({ model: model.id, input: BEES, encoding_format: "float" });
const [first, second] = embedded.data.map((one) => one.embedding);
assert.deepEqual(first, second);
plain.data[0].embedding.forEach((value, place) => assert.ok(Math.abs(value - first[place]) < 1e-6));

const file = await client.files.create({ file: await toFile(Buffer.from(BEES), "bees.md"), purpose: "assistants" });
assert.equal((await client.files.retrieve(file.id)).bytes, BEES.length);
assert.equal(await (await client.files.content(file.id)).text(), BEES);

// Since version 6.47, this is sent in chunks, without a Content-Length.
const streamed = await client.files.create({ file: createReadStream("package.json"), purpose: "assistants" });
assert.equal(streamed.filename, "package.json");
assert.ok(streamed.bytes > 50);
await remove(client.files, streamed.id);

const begun = { filename: "bees.md", bytes: BEES.length, mime_type: "text/markdown", purpose: "assistants" };
const upload = await client.uploads.create(begun);
const ends = [];
for (const piece of [BEES.slice(20), BEES.slice(0, 20)]) {
  ends.push((await client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from(piece), "piece") })).id);
}
const md5 = createHash("md5").update(BEES).digest("hex");
const completed = await client.uploads.complete(upload.id, { part_ids: ends.reverse(), md5 });
assert.equal(completed.status, "completed");
assert.equal(await (await client.files.content(completed.file.id)).text(), BEES);
await remove(client.files, completed.file.id);
assert.equal((await client.uploads.cancel((await client.uploads.create(begun)).id)).status, "cancelled");

const store = await client.vectorStores.create({ name: "Nature" });
const attached = await client.vectorStores.files.createAndPoll(
  store.id,
  { file_id: file.id, attributes: { year: 2026 } },
  QUICKLY,
);
assert.equal(attached.status, "completed");
const rivers = await toFile(Buffer.from("The river Danube flows into the Black Sea.\n"), "rivers.md");
const uploaded = await client.vectorStores.files.uploadAndPoll(store.id, rivers, QUICKLY);
assert.equal(uploaded.status, "completed");
const batch = await client.vectorStores.fileBatches.uploadAndPoll(
  store.id,
  { files: [await toFile(Buffer.from("Moss grows slowly.\n"), "moss.md")] },
  QUICKLY,
);
assert.deepEqual([batch.status, batch.file_counts.completed], ["completed", 1]);

const names = [];
for await (const one of client.vectorStores.files.list(store.id, { limit: 2 })) names.push(one.id);
assert.equal(names.length, 3);

const found = await client.vectorStores.search(store.id, {
  query: "where are the flowers",
  filters: { type: "gte", key: "year", value: 2025 },
});
assert.deepEqual(found.data.map((hit) => [hit.filename, hit.attributes.year]), [["bees.md", 2026]]);
assert.match(found.data[0].content[0].text, /dance/);

await assert.rejects(client.vectorStores.retrieve(`vs_${"0".repeat(32)}`), NotFoundError);
await assert.rejects(
  client.files.create({ file: await toFile(Buffer.from("x"), "x.txt"), purpose: "fine-tune" }),
  (error) => error instanceof BadRequestError && error.param === "purpose",
);

await remove(client.vectorStores, store.id);
await remove(client.files, file.id);
await assert.rejects(client.files.retrieve(file.id), NotFoundError);
