// Vercel's AI SDK, driven from outside: a command on each line of standard input, an outcome on each line of standard
// output. One conversation at a time; `begin` starts a new one.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.argv[2]}/package.json`);
const from = (name) => import(pathToFileURL(require.resolve(name)));
const { generateText, streamText, tool, jsonSchema, Output } = await from("ai");
const { createOpenAI } = await from("@ai-sdk/openai");
const { createAnthropic } = await from("@ai-sdk/anthropic");
const { createAmazonBedrockAnthropic } = await from("@ai-sdk/amazon-bedrock/anthropic");

const MODELS = {
  "openai-chat": ({ root, key, model }) => createOpenAI({ baseURL: `${root}/v1`, apiKey: key }).chat(model),
  "openai-responses": ({ root, key, model }) => createOpenAI({ baseURL: `${root}/v1`, apiKey: key }).responses(model),
  claude: ({ root, key, model }) => createAnthropic({ baseURL: `${root}/v1`, apiKey: key })(model),
  bedrock: ({ root, model, accessKey, secretKey, region }) =>
    createAmazonBedrockAnthropic({ baseURL: root, region, accessKeyId: accessKey, secretAccessKey: secretKey })(model),
};

function options(dialect, { think, adaptive }) {
  if (dialect === "openai-chat") return think ? { openai: { reasoningEffort: "medium", forceReasoning: true } } : {};
  if (dialect === "openai-responses") {
    // Stored answers would be named by identifier instead of being sent again.
    const stateless = { store: false, include: ["reasoning.encrypted_content"] };
    const thinking = { reasoningEffort: "medium", reasoningSummary: "auto", forceReasoning: true };
    return { openai: think ? { ...stateless, ...thinking } : stateless };
  }
  const thinking = adaptive ? { type: "adaptive", display: "summarized" } : { type: "enabled", budgetTokens: 2048 };
  return think ? { anthropic: { thinking } } : {};
}

let messages, settings;

function begin({ dialect, endpoint, ask }) {
  const content = [{ type: "text", text: ask.prompt }];
  if (ask.image) content.push({ type: "file", mediaType: "image/png", data: Buffer.from(ask.image, "base64") });
  messages = [{ role: "user", content }];
  settings = { model: MODELS[dialect](endpoint), maxRetries: 0, providerOptions: options(dialect, ask) };
  settings.maxOutputTokens = ask.max_tokens;
  if (ask.system) settings.instructions = ask.system;
  if (ask.stop.length > 0) settings.stopSequences = ask.stop;
  if (ask.schema) settings.output = Output.object({ schema: jsonSchema(ask.schema) });
  if (ask.tools.length > 0) {
    const declare = ({ name, description, schema }) => [name, tool({ description, inputSchema: jsonSchema(schema) })];
    settings.tools = Object.fromEntries(ask.tools.map(declare));
  }
  const words = { auto: "auto", any: "required" };
  if (ask.choice) settings.toolChoice = words[ask.choice] ?? { type: "tool", toolName: ask.choice };
  return {};
}

async function say({ mode }) {
  const heard = { text: "", arrivals: [] };
  try {
    const run = mode === "create" ? await generateText({ ...settings, messages }) : await streamed(heard);
    const response = await run.response;
    const [calls, usage] = [await run.toolCalls, await run.usage];
    messages.push(...response.messages);
    return {
      text: await run.text,
      thoughts: (await run.reasoningText) ?? "",
      calls: calls.map((call) => ({ id: call.toolCallId, name: call.toolName, arguments: call.input })),
      finish: await run.finishReason,
      usage: [usage.inputTokens, usage.outputTokens, usage.inputTokenDetails?.cacheReadTokens ?? 0],
      parsed: settings.output ? await run.output : null,
      model: response.modelId,
      arrivals: heard.arrivals,
    };
  } catch (error) {
    return { ...heard, trouble: describe(error) };
  }
}

async function streamed(heard) {
  let failure;
  const run = streamText({ ...settings, messages, onError: () => {} });
  for await (const part of run.fullStream) {
    if (part.type === "text-delta" && part.text) {
      heard.arrivals.push([Date.now() / 1000, part.text]);
      heard.text += part.text;
    }
    if (part.type === "error") failure ??= part.error;
  }
  if (failure) throw failure;
  return run;
}

async function leave() {
  const gone = new AbortController();
  const run = streamText({ ...settings, messages, abortSignal: gone.signal, onError: () => {} });
  for await (const part of run.fullStream) {
    if (part.type === "text-delta") {
      gone.abort();
      break;
    }
  }
  return {};
}

function give({ results }) {
  const content = results.map(({ id, name, text }) => ({
    type: "tool-result",
    toolCallId: id,
    toolName: name,
    output: { type: "text", value: text },
  }));
  messages.push({ role: "tool", content });
  return {};
}

function describe(error) {
  return {
    status: error?.statusCode ?? null,
    kind: error?.name ?? typeof error,
    message: error instanceof Error ? error.message : typeof error === "string" ? error : JSON.stringify(error),
    retry_after: error?.responseHeaders?.["retry-after"] ?? null,
  };
}

const COMMANDS = { begin, say, give, leave };
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let outcome;
  try {
    outcome = await COMMANDS[command.do](command);
  } catch (error) {
    outcome = { broke: describe(error) };
  }
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
