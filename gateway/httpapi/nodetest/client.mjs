// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Speaks to a Schleuse with the official openai client, as a Fachverfahren would.
// The model server behind it is upstreamtest.Server. Prints one line per case.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const options = { baseURL: process.env.SCHLEUSE_URL + '/v1', apiKey: 'gut', maxRetries: 0 };
const client = new OpenAI(options);
const control = (path) => fetch(process.env.SCHLEUSE_CONTROL + path).then((r) => r.text());
const model = 'haus/mock';
const echo = 'Sie haben geschrieben: „Grüße aus Musterstadt“.';
const messages = [{ role: 'user', content: 'Grüße aus Musterstadt' }];
const tools = ['wetter', 'adresse'].map((name) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: { eingabe: { type: 'string' } } } },
}));

const cases = {
  async models() {
    const ids = [];
    for await (const m of client.models.list()) ids.push(m.id);
    assert.deepEqual(ids, [model]);
    assert.equal((await client.models.retrieve(model)).object, 'model');
  },
  async chat() {
    const { data, response } = await client.chat.completions
      .create({ model, messages, guided_json: { type: 'object' } }, { headers: { 'Schleuse-Purpose': 'summarise' } })
      .withResponse();
    assert.equal(data.choices[0].message.content, echo);
    assert.equal(data.choices[0].finish_reason, 'stop');
    assert.equal(data.usage.completion_tokens, 6);
    assert.deepEqual(data.x_mock, { tief: [1, 2, 3] });
    assert.match(response.headers.get('schleuse-decision'), /^e-/);
    assert.match(await control('/last'), /"guided_json":\{"type":"object"\}/);
  },
  async stream() {
    let text = '';
    let usage;
    let finish;
    const stream = await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, echo);
    assert.equal(finish, 'stop');
    assert.equal(usage.completion_tokens, 6);
  },
  async streamWithoutUsage() {
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) {
      assert.equal(chunk.usage ?? null, null);
      assert.ok(chunk.choices.length > 0, 'the usage event must not reach a client that did not ask');
    }
  },
  async tools() {
    const first = await client.chat.completions.create({ model, messages, tools });
    const calls = first.choices[0].message.tool_calls;
    assert.deepEqual(calls.map((c) => c.function.name), ['wetter', 'adresse']);
    assert.equal(first.choices[0].finish_reason, 'tool_calls');
    const second = await client.chat.completions.create({
      model,
      tools,
      messages: [...messages, first.choices[0].message, ...calls.map((c) => ({ role: 'tool', tool_call_id: c.id, content: '12 Grad' }))],
    });
    assert.equal(second.choices[0].message.content, 'Das Werkzeug hat geantwortet: „12 Grad“.');
  },
  async toolsStreamed() {
    const final = await client.chat.completions.stream({ model, messages, tools }).finalChatCompletion();
    const calls = final.choices[0].message.tool_calls;
    assert.deepEqual(calls.map((c) => c.function.name), ['wetter', 'adresse']);
    for (const call of calls) assert.deepEqual(JSON.parse(call.function.arguments), { eingabe: 'Grüße aus Musterstadt' });
  },
  async embeddings() {
    const answer = await client.embeddings.create({ model, input: ['Miete Antrag', 'Miete'], dimensions: 8 });
    assert.equal(answer.data.length, 2);
    assert.equal(answer.data[0].embedding.length, 8);
    const norm = Math.hypot(...answer.data[0].embedding);
    assert.ok(Math.abs(norm - 1) < 1e-5, `norm ${norm}`);
  },
  async refused() {
    const denied = client.chat.completions.create({ model, messages }, { headers: { 'Schleuse-Purpose': 'profiling' } });
    await assert.rejects(denied, (e) => {
      assert.ok(e instanceof OpenAI.PermissionDeniedError);
      assert.equal(e.code, 'KIVO-05');
      assert.match(e.message, /verboten/);
      return true;
    });
  },
  async wrongKey() {
    const stranger = new OpenAI({ ...options, apiKey: 'falsch' });
    await assert.rejects(stranger.models.list(), (e) => e instanceof OpenAI.AuthenticationError);
  },
  async invalid() {
    const wrong = client.chat.completions.create({ model, messages: [] });
    await assert.rejects(wrong, (e) => e instanceof OpenAI.BadRequestError && e.param === 'messages');
  },
  async rejectedUpstream() {
    await control('/next?case=rejected');
    await assert.rejects(client.chat.completions.create({ model, messages }), (e) => {
      assert.equal(e.status, 400);
      assert.equal(e.code, 'context_length_exceeded');
      return true;
    });
  },
  async rateLimited() {
    await control('/next?case=limited');
    const patient = new OpenAI({ ...options, maxRetries: 1 });
    const begin = Date.now();
    const answer = await patient.chat.completions.create({ model, messages });
    assert.equal(answer.choices[0].message.content, echo);
    assert.ok(Date.now() - begin >= 950, 'the client waits as Retry-After says');
  },
  async cutStream() {
    await control('/next?case=cut');
    let text = '';
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    await assert.rejects(async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
    }, (e) => e instanceof OpenAI.APIError && e.code === 'truncated');
    assert.notEqual(text, echo);
  },
  async abort() {
    await control('/next?case=slow');
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      break; // leaving the loop aborts the request
    }
    assert.equal(await control('/abandoned'), 'yes');
  },
};

for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (e) {
    console.log(`FAIL ${name}: ${e.stack}`);
    process.exitCode = 1;
  }
}
console.log(`${Object.keys(cases).length} cases`);
