// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Speaks to a Schleuse with LangChain, through chat completions and through the
// Responses format.
import assert from 'node:assert/strict';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { control, echo, model, question, run, schema, url } from './run.mjs';

const configuration = { baseURL: url + '/v1' };
const options = { model, apiKey: 'gut', maxRetries: 0, configuration };
const wetter = { type: 'function', function: { name: 'wetter', description: 'Wetter', parameters: schema } };

const both = {};
for (const useResponsesApi of [false, true]) {
  const name = useResponsesApi ? 'Responses' : 'Chat';
  const chat = new ChatOpenAI({ ...options, useResponsesApi });
  both['whole' + name] = async () => {
    const answer = await chat.invoke(question);
    assert.equal(answer.text, echo);
    assert.equal(answer.usage_metadata.output_tokens, 6);
  };
  both['stream' + name] = async () => {
    let whole;
    for await (const chunk of await chat.stream(question)) whole = whole ? whole.concat(chunk) : chunk;
    assert.equal(whole.text, echo);
  };
  both['tools' + name] = async () => {
    const bound = chat.bindTools([wetter]);
    const asked = new HumanMessage(question);
    const first = await bound.invoke([asked]);
    assert.deepEqual(first.tool_calls.map((c) => [c.name, c.args]), [['wetter', { eingabe: question }]]);
    const second = await bound.invoke([asked, first, new ToolMessage({ content: '12 Grad', tool_call_id: first.tool_calls[0].id })]);
    assert.equal(second.text, 'Das Werkzeug hat geantwortet: „12 Grad“.');
  };
  both['cut' + name] = async () => {
    await control('/next?case=cut');
    await assert.rejects(async () => {
      for await (const chunk of await chat.stream(question)) assert.ok(chunk);
    });
  };
}

await run({
  ...both,
  async embeddings() {
    const vectors = await new OpenAIEmbeddings({ ...options, dimensions: 8 }).embedDocuments(['Miete', 'Antrag']);
    assert.deepEqual(vectors.map((v) => v.length), [8, 8]);
  },
  async refused() {
    const denied = new ChatOpenAI({ ...options, configuration: { ...configuration, defaultHeaders: { 'Schleuse-Purpose': 'profiling' } } });
    await assert.rejects(denied.invoke(question), (e) => e.status === 403);
  },
});
