// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Speaks Anthropic's Messages format with the official client. The model server
// behind the Schleuse knows chat completions only.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { control, echo, model, question, run, schema, url } from './run.mjs';

const options = { apiKey: 'gut', authToken: null, maxRetries: 0 };
const client = new Anthropic({ ...options, baseURL: url });
const messages = [{ role: 'user', content: question }];
const tools = ['wetter', 'adresse'].map((name) => ({ name, description: name, input_schema: schema }));
const sent = async () => JSON.parse(await control('/last'));
const text = (message) => message.content.filter((b) => b.type === 'text').map((b) => b.text).join('');

await run({
  async whole() {
    const { data, response } = await client.messages
      .create({ model, max_tokens: 50, system: [{ type: 'text', text: 'Antworte knapp.' }], messages, stop_sequences: ['ENDE'], top_k: 5 }, { headers: { 'Schleuse-Purpose': 'summarise' } })
      .withResponse();
    assert.equal(text(data), echo);
    assert.equal(data.stop_reason, 'end_turn');
    assert.equal(data.content[0].type, 'thinking');
    assert.equal(data.usage.output_tokens, 6);
    assert.deepEqual(data.x_mock, { tief: [1, 2, 3] });
    assert.match(response.headers.get('schleuse-decision'), /^e-/);
    const body = await sent();
    assert.deepEqual(body.messages, [{ role: 'system', content: 'Antworte knapp.' }, { role: 'user', content: question }]);
    assert.deepEqual([body.max_tokens, body.stop, body.top_k], [50, ['ENDE'], 5]);
  },
  async prefixed() {
    const other = new Anthropic({ ...options, baseURL: url + '/anthropic' });
    assert.equal(text(await other.messages.create({ model, max_tokens: 50, messages })), echo);
  },
  async stream() {
    const seen = [];
    let streamed = '';
    const stream = client.messages.stream({ model, max_tokens: 50, messages });
    stream.on('streamEvent', (e) => seen.push(e.type));
    stream.on('text', (delta) => { streamed += delta; });
    const final = await stream.finalMessage();
    assert.equal(streamed, echo);
    assert.equal(text(final), echo);
    assert.equal(final.stop_reason, 'end_turn');
    assert.deepEqual([final.usage.input_tokens, final.usage.output_tokens], [3, 6]);
    assert.deepEqual([...new Set(seen)], ['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop']);
  },
  async tools() {
    const first = await client.messages.create({ model, max_tokens: 50, messages, tools, tool_choice: { type: 'any' } });
    assert.equal(first.stop_reason, 'tool_use');
    const calls = first.content.filter((b) => b.type === 'tool_use');
    assert.deepEqual(calls.map((c) => c.name), ['wetter', 'adresse']);
    assert.deepEqual(calls[0].input, { eingabe: question });
    const second = await client.messages.create({
      model,
      max_tokens: 50,
      tools,
      messages: [
        ...messages,
        { role: 'assistant', content: first.content },
        { role: 'user', content: calls.map((c) => ({ type: 'tool_result', tool_use_id: c.id, content: [{ type: 'text', text: '12 Grad' }] })) },
      ],
    });
    assert.equal(text(second), 'Das Werkzeug hat geantwortet: „12 Grad“.');
    assert.deepEqual((await sent()).messages.map((m) => m.role), ['user', 'assistant', 'tool', 'tool']);
  },
  async toolsStreamed() {
    const final = await client.messages.stream({ model, max_tokens: 50, messages, tools }).finalMessage();
    assert.equal(final.stop_reason, 'tool_use');
    const calls = final.content.filter((b) => b.type === 'tool_use');
    assert.deepEqual(calls.map((c) => c.name), ['wetter', 'adresse']);
    for (const call of calls) assert.deepEqual(call.input, { eingabe: question });
  },
  async count() {
    const counted = await client.messages.countTokens({ model, messages, system: 'Antworte knapp.' });
    assert.ok(counted.input_tokens > 5 && counted.input_tokens < 50, String(counted.input_tokens));
    assert.equal(counted.estimated, true);
  },
  async image() {
    const source = { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' };
    await client.messages.create({ model, max_tokens: 50, messages: [{ role: 'user', content: [{ type: 'image', source }, { type: 'text', text: question }] }] });
    assert.equal((await sent()).messages[0].content[0].image_url.url, 'data:image/png;base64,iVBORw0KGgo=');
  },
  async refused() {
    const denied = client.messages.create({ model, max_tokens: 50, messages }, { headers: { 'Schleuse-Purpose': 'profiling' } });
    await assert.rejects(denied, (e) => {
      assert.ok(e instanceof Anthropic.PermissionDeniedError);
      assert.equal(e.type, 'permission_error');
      assert.match(e.message, /verboten/);
      return true;
    });
    const stranger = new Anthropic({ ...options, apiKey: 'falsch', baseURL: url });
    await assert.rejects(stranger.messages.create({ model, max_tokens: 50, messages }), (e) => e instanceof Anthropic.AuthenticationError && e.type === 'authentication_error');
    const source = { type: 'url', url: 'https://example.org/a.png' };
    await assert.rejects(client.messages.create({ model, max_tokens: 50, messages: [{ role: 'user', content: [{ type: 'image', source }] }] }), (e) => {
      assert.ok(e instanceof Anthropic.BadRequestError);
      assert.equal(e.error.error.param, 'messages[0].content[0].source.type');
      return true;
    });
  },
  async cutStream() {
    await control('/next?case=cut');
    const seen = [];
    const stream = await client.messages.create({ model, max_tokens: 50, messages, stream: true });
    await assert.rejects(async () => {
      for await (const event of stream) seen.push(event.type);
    }, (e) => e instanceof Anthropic.APIError && e.type === 'api_error');
    assert.ok(seen.includes('content_block_delta'));
    assert.ok(!seen.includes('message_stop'));
  },
  async abort() {
    await control('/next?case=slow');
    for await (const event of await client.messages.create({ model, max_tokens: 50, messages, stream: true })) {
      if (event.type === 'content_block_delta') break; // leaving the loop aborts the request
    }
    assert.equal(await control('/abandoned'), 'yes');
  },
});
