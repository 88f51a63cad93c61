// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Speaks to a Schleuse with the official openai client, as a Fachverfahren would.
// The model server behind it is upstreamtest.Server.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { control, echo, model, question, run, url } from './run.mjs';

const options = { baseURL: url + '/v1', apiKey: 'gut', maxRetries: 0 };
const client = new OpenAI(options);
const messages = [{ role: 'user', content: question }];
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
  async embeddingsBase64() {
    const answer = await client.embeddings.create({ model, input: 'Miete', dimensions: 4, encoding_format: 'base64' });
    assert.equal(Buffer.from(answer.data[0].embedding, 'base64').length, 16);
  },
  async completions() {
    await control('/next?case=completion');
    const answer = await client.completions.create({ model, prompt: ['Es war einmal', 'Es ist'] });
    assert.equal(answer.choices[0].text, ' ein Amt.');
    assert.match(await control('/last'), /"prompt":\["Es war einmal","Es ist"\]/);
    let text = '';
    await control('/next?case=completionStream');
    for await (const chunk of await client.completions.create({ model, prompt: 'Es war einmal', stream: true })) text += chunk.choices[0]?.text ?? '';
    assert.equal(text, ' ein Amt.');
    await assert.rejects(client.completions.create({ model, prompt: [[1, 2, 3]] }), (e) => e.status === 400 && e.param === 'prompt[0]');
  },
  async transcription() {
    const file = new File([new Uint8Array([82, 73, 70, 70])], 'Erika Mustermann.wav', { type: 'audio/wav' });
    await control('/next?case=transcript');
    const whole = await client.audio.transcriptions.create({ model, file, language: 'de', response_format: 'verbose_json', timestamp_granularities: ['segment'] });
    assert.equal(whole.segments.length, 2);
    const sent = await control('/last');
    assert.match(sent, /name="timestamp_granularities\[\]"\r\n\r\nsegment/);
    assert.doesNotMatch(sent, /Mustermann/);
    await control('/next?case=transcript');
    const srt = await client.audio.transcriptions.create({ model, file, response_format: 'srt' });
    assert.equal(srt, '1\n00:00:00,000 --> 00:00:01,500\nGuten Tag.\n\n2\n00:00:01,500 --> 01:01:02,250\nHier ist das Wohngeldamt.\n\n');
    assert.match(await control('/last'), /name="response_format"\r\n\r\nverbose_json/);
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

await run(cases);
