// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Speaks the Responses format with the official openai client. The model server
// behind the Schleuse knows chat completions only.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { control, echo, model, question, run, schema, url } from './run.mjs';

const client = new OpenAI({ baseURL: url + '/v1', apiKey: 'gut', maxRetries: 0 });
const tools = ['wetter', 'adresse'].map((name) => ({ type: 'function', name, description: name, parameters: schema, strict: false }));
const sent = async () => JSON.parse(await control('/last'));

await run({
  async whole() {
    const { data, response } = await client.responses
      .create({ model, instructions: 'Antworte knapp.', input: question, metadata: { akte: '32-4711' }, reasoning: { effort: 'low' }, max_output_tokens: 50 })
      .withResponse();
    assert.equal(data.output_text, echo);
    assert.equal(data.status, 'completed');
    assert.deepEqual(data.output.map((o) => o.type), ['reasoning', 'message']);
    assert.equal(data.output[0].content[0].text, 'Ich wiederhole die Eingabe.');
    assert.equal(data.usage.output_tokens, 6);
    assert.equal(data.instructions, 'Antworte knapp.');
    assert.deepEqual(data.metadata, { akte: '32-4711' });
    assert.deepEqual(data.x_mock, { tief: [1, 2, 3] });
    assert.match(response.headers.get('schleuse-decision'), /^e-/);
    const body = await sent();
    assert.deepEqual(body.messages, [{ role: 'system', content: 'Antworte knapp.' }, { role: 'user', content: question }]);
    assert.equal(body.max_tokens, 50);
    assert.equal(body.reasoning_effort, 'low');
    assert.equal(body.metadata, undefined);
  },
  async stream() {
    const events = [];
    let text = '';
    for await (const event of await client.responses.create({ model, input: [{ role: 'user', content: [{ type: 'input_text', text: question }] }], stream: true })) {
      events.push(event.type);
      assert.equal(event.sequence_number, events.length - 1);
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (event.type === 'response.completed') assert.equal(event.response.usage.output_tokens, 6);
    }
    assert.equal(text, echo);
    assert.deepEqual([...new Set(events)], [
      'response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added', 'response.output_text.delta',
      'response.output_text.done', 'response.content_part.done', 'response.output_item.done', 'response.completed',
    ]);
  },
  async streamHelper() {
    const stream = client.responses.stream({ model, input: question });
    const final = await stream.finalResponse();
    assert.equal(final.output_text, echo);
  },
  async tools() {
    const first = await client.responses.create({ model, input: question, tools, tool_choice: 'auto' });
    const calls = first.output.filter((o) => o.type === 'function_call');
    assert.deepEqual(calls.map((c) => c.name), ['wetter', 'adresse']);
    assert.deepEqual(JSON.parse(calls[0].arguments), { eingabe: question });
    const second = await client.responses.create({
      model,
      tools,
      input: [{ role: 'user', content: question }, ...first.output, ...calls.map((c) => ({ type: 'function_call_output', call_id: c.call_id, output: '12 Grad' }))],
    });
    assert.equal(second.output_text, 'Das Werkzeug hat geantwortet: „12 Grad“.');
    const roles = (await sent()).messages.map((m) => m.role);
    assert.deepEqual(roles, ['user', 'assistant', 'tool', 'tool']);
  },
  async toolsStreamed() {
    const final = await client.responses.stream({ model, input: question, tools }).finalResponse();
    const calls = final.output.filter((o) => o.type === 'function_call');
    assert.deepEqual(calls.map((c) => c.name), ['wetter', 'adresse']);
    for (const call of calls) assert.deepEqual(JSON.parse(call.arguments), { eingabe: question });
  },
  async schema() {
    await client.responses.create({ model, input: question, text: { format: { type: 'json_schema', name: 'angabe', schema, strict: true } } });
    assert.deepEqual((await sent()).response_format, { type: 'json_schema', json_schema: { name: 'angabe', schema, strict: true } });
  },
  async refused() {
    for (const [param, body] of Object.entries({
      store: { store: true },
      previous_response_id: { previous_response_id: 'resp_1' },
      background: { background: true },
      'tools[0].type': { tools: [{ type: 'web_search' }] },
      'input[0].content[0].image_url': { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://example.org/a.png' }] }] },
    })) {
      await assert.rejects(client.responses.create({ model, input: question, ...body }), (e) => {
        assert.ok(e instanceof OpenAI.BadRequestError, String(e));
        assert.equal(e.param, param);
        return true;
      });
    }
    const denied = client.responses.create({ model, input: question }, { headers: { 'Schleuse-Purpose': 'profiling' } });
    await assert.rejects(denied, (e) => e instanceof OpenAI.PermissionDeniedError && e.code === 'KIVO-05');
  },
  async cutStream() {
    await control('/next?case=cut');
    const events = [];
    const stream = await client.responses.create({ model, input: question, stream: true });
    await assert.rejects(async () => {
      for await (const event of stream) events.push(event.type);
    }, (e) => e instanceof OpenAI.APIError);
    assert.ok(events.includes('response.failed'));
    assert.ok(!events.includes('response.completed'));
  },
});
