// The TypeScript SDK, which most hosts are built on, against our server.
//   node client.mjs PYTHON SCRIPT SCENARIO      prints one JSON object
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [python, script, scenario] = process.argv.slice(2);
const client = new Client({ name: "a test", version: "1" });
await client.connect(new StdioClientTransport({ command: python, args: [script], env: process.env, stderr: "inherit" }));

const speak = (path, options) =>
  client.callTool({ name: "text_to_speech", arguments: { text: "Hello", output_path: path } }, undefined, options);

// Releasing is refused while somebody speaks: it is granted once the slot is free.
async function released() {
  for (;;) {
    const result = await client.callTool({ name: "offload_gpu", arguments: {} });
    if (!result.isError) return result.structuredContent.released;
  }
}

const scenarios = {
  // The call outlives the client's patience because progress keeps coming.
  async progress() {
    const told = [];
    const onprogress = ({ progress, message }) => told.push([progress, message]);
    const result = await speak("x.wav", { timeout: 5000, resetTimeoutOnProgress: true, onprogress });
    return { result: result.structuredContent, told };
  },
  // Without that the call fails, and the server is told to stop.
  async patience() {
    const error = await speak("x.wav", { timeout: 5000 }).then(() => null, (e) => e);
    return { code: error?.code ?? null, released: await released() };
  },
  async abort() {
    const controller = new AbortController();
    const onprogress = ({ message }) => message.startsWith("Speaking") && controller.abort();
    const error = await speak("x.wav", { signal: controller.signal, onprogress }).then(() => null, (e) => e);
    return { error: String(error), released: await released() };
  },
  async refusal() {
    const result = await speak("/etc/x.wav");
    return { isError: result.isError, text: result.content[0].text };
  },
  async link() {
    const { content } = await speak("x.wav");
    const { contents } = await client.readResource({ uri: content[1].uri });
    return { blob: contents[0].blob, mimeType: contents[0].mimeType };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
await client.close();
