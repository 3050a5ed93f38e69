// Assistants as models of OpenAI's JavaScript client.
import assert from "node:assert/strict";
const { default: OpenAI } = await import(process.env.CLIENT);

const client = new OpenAI({ baseURL: `${process.env.OYL_URL}/v1`, apiKey: process.env.OYL_KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "How do honey bees tell where flowers are?" }];

const whole = await client.chat.completions.create({ model: "Guide", messages });
assert.match(whole.choices[0].message.content, /dance/);
assert.equal(whole.choices[0].message.annotations[0].type, "url_citation");

let text = "";
for await (const chunk of await client.chat.completions.create({ model: "Guide", messages, stream: true })) {
  text += chunk.choices[0]?.delta?.content ?? "";
}
assert.equal(text, whole.choices[0].message.content);

const response = await client.responses.create({ model: "Guide", input: messages[0].content });
assert.match(response.output_text, /dance/);

const kinds = [];
const stream = client.responses
  .stream({ model: "Guide", input: "And which river flows to the sea?", previous_response_id: response.id })
  .on("event", (event) => kinds.push(event.type));
const final = await stream.finalResponse();
assert.equal(kinds.at(-1), "response.completed");
assert.equal(final.previous_response_id, response.id);

await assert.rejects(client.chat.completions.create({ model: "Nobody", messages }), OpenAI.NotFoundError);
