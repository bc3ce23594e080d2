// Runs before the page: what is connected to an audio destination is recorded, too, with the frame it sounds at.
(() => {
  const connect = AudioNode.prototype.connect;
  const tap = (window.tap = { blocks: [], contexts: [], rate: 0, words: [], frames: [] });
  const url = navigator.userAgent.includes('Firefox/')
    ? '/tap/worklet.js' // the policy of the page cannot be set aside there; the site of the tests has it
    : URL.createObjectURL(new Blob([`WORKLET`], { type: 'text/javascript' }));
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode && this.constructor.name !== 'AudioWorkletNode') record(this);
    return connect.call(this, target, ...rest);
  };
  async function record(source) {
    const { context } = source, index = tap.contexts.push(context) - 1;
    tap.rate = context.sampleRate;
    const node = await context.audioWorklet.addModule(url).then(() => inWorklet(context, index), () => inPage(context, index));
    connect.call(source, node);
    connect.call(node, context.destination);
  }
  function inWorklet(context, index) {
    const node = new AudioWorkletNode(context, 'tap', { outputChannelCount: [1] });
    tap.whole = true; // no block is missed, however busy the page is
    node.port.onmessage = ({ data: [at, blocks] }) => {
      const samples = new Float32Array(blocks.length * 128);
      blocks.forEach((block, i) => samples.set(block, i * 128));
      tap.blocks.push([index, at, samples]);
    };
    return node;
  }
  // Where the worklet cannot be had.
  function inPage(context, index) {
    const node = context.createScriptProcessor(2048, 1, 1);
    node.onaudioprocess = ({ inputBuffer, playbackTime }) => tap.blocks.push([index, Math.round(playbackTime * tap.rate), inputBuffer.getChannelData(0).slice()]);
    return node;
  }
  // When each word was marked, on the clock of the first context (which is the stage's).
  document.addEventListener('DOMContentLoaded', () => {
    const reading = document.getElementById('reading');
    if (!reading) return;
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        if (!target.classList?.contains('on') || tap.words.at(-1)?.text === target.textContent) continue;
        const context = tap.contexts[0];
        if (!context) continue;
        const late = navigator.userAgent.includes('Firefox/') ? 0 : context.outputLatency; // see player.js
        tap.words.push({ text: target.textContent, at: context.currentTime, late: late || context.baseLatency || 0 });
      }
    }).observe(reading, { subtree: true, attributeFilter: ['class'] });
  });
  // When the browser drew, on the same clock: on a busy machine that is seldom, and no mark can come between.
  (function drawn() {
    if (tap.contexts[0]) tap.frames.push(tap.contexts[0].currentTime);
    requestAnimationFrame(drawn);
  })();
  // All samples of a context from the first block on, gaps as silence: base64 of float32.
  tap.take = (index = 0) => {
    const blocks = tap.blocks.filter(([i]) => i === index);
    if (!blocks.length) return { from: 0, base64: '' };
    const from = blocks[0][1], last = blocks.at(-1), all = new Float32Array(last[1] + last[2].length - from);
    for (const [, at, samples] of blocks) all.set(samples, at - from);
    let text = '';
    const bytes = new Uint8Array(all.buffer);
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return { from, base64: btoa(text) };
  };
})();
