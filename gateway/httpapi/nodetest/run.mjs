// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// What all clients share: the address of the Schleuse, the control of the model
// server behind it, and the loop over the cases. Prints one line per case.
export const url = process.env.SCHLEUSE_URL;
export const control = (path) => fetch(process.env.SCHLEUSE_CONTROL + path).then((r) => r.text());
export const model = 'haus/mock';
export const question = 'Grüße aus Musterstadt';
export const echo = `Sie haben geschrieben: „${question}“.`;
export const schema = { type: 'object', properties: { eingabe: { type: 'string' } }, required: ['eingabe'] };

export async function run(cases) {
  for (const [name, test] of Object.entries(cases)) {
    try {
      await test();
      console.log(`ok ${name}`);
    } catch (e) {
      console.log(`FAIL ${name}: ${e.stack}`);
      process.exitCode = 1;
    }
  }
  console.log(`${Object.keys(cases).length} cases`);
}
