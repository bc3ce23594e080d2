// Documents and their speech kept in this browser: IndexedDB, or memory where that is refused. Knows no page.

const NAME = 'kyutai-tts', VERSION = 2;
const STORES = ['docs', 'takes', 'sound'];
const BLOCKED_MS = 5000; // how long another tab, with an older version of the page, may hold the database

/** Open the store. */
export async function openStore() {
  try {
    return new Store(await open());
  } catch {
    return new Store(null);
  }
}

/** docs: { id, at, ... } by id. takes: speech without its samples, { id, bytes, ... }. Samples: Int16Array in pieces. */
class Store {
  constructor(db) {
    this.db = db;
    this.memory = { docs: new Map(), takes: new Map(), sound: new Map() }; // what the database would not take
  }

  /** 'kept', 'full' (the newest last only as long as the tab), 'refused' (all do). */
  get state() { return !this.db ? 'refused' : this.memory.docs.size || this.memory.sound.size ? 'full' : 'kept'; }

  /** All documents, newest first. */
  async docs() {
    const kept = await this.run('readonly', ({ docs }) => docs.getAll()).catch(() => { this.db = null; return []; });
    const own = this.memory.docs;
    return [...kept.filter(({ id }) => !own.has(id)), ...own.values()].sort((a, b) => b.at - a.at);
  }

  doc(id) { return this.get('docs', id); }

  keepDoc(doc) { return this.put('docs', doc.id, doc); }

  removeDoc(id) { return this.remove('docs', id); }

  take(id) { return this.get('takes', id); }

  /** All takes, without their samples. */
  async takes() {
    const kept = await this.run('readonly', ({ takes }) => takes.getAll()).catch(() => []);
    return [...kept, ...this.memory.takes.values()];
  }

  /** More of a take's samples: those from the piece on. Then the take itself, so that it never tells of samples that are not there. */
  async keepTake(take, piece, samples) {
    if (samples.length) await this.put('sound', [take.id, piece], samples.buffer);
    await this.put('takes', take.id, take);
  }

  /** Int16Array; null when it is not kept. */
  async samples(id) {
    const range = IDBKeyRangeOf(id), own = [...this.memory.sound].filter(([key]) => JSON.parse(key)[0] === id);
    const kept = await this.run('readonly', ({ sound }) => [sound.getAllKeys(range), sound.getAll(range)]).catch(() => [[], []]);
    const pieces = [...kept[0].map((key, i) => [key[1], kept[1][i]]), ...own.map(([key, data]) => [JSON.parse(key)[1], data])].sort((a, b) => a[0] - b[0]);
    return pieces.length ? joined(pieces.map(([, buffer]) => new Int16Array(buffer))) : null;
  }

  async removeTake(id) {
    await this.remove('takes', id);
    for (const key of [...this.memory.sound.keys()]) if (JSON.parse(key)[0] === id) this.memory.sound.delete(key);
    await this.run('readwrite', ({ sound }) => sound.delete(IDBKeyRangeOf(id))).catch(() => {});
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  async get(store, id) {
    return this.memory[store].get(id) ?? (await this.run('readonly', (all) => all[store].get(id)).catch(() => null)) ?? null;
  }

  async put(store, id, value) {
    const inKey = store !== 'sound', key = inKey ? id : JSON.stringify(id);
    try {
      await this.run('readwrite', (all) => (inKey ? all[store].put(value) : all[store].put(value, id)));
      this.memory[store].delete(key);
    } catch { // full or forbidden
      this.memory[store].set(key, value);
    }
  }

  async remove(store, id) {
    this.memory[store].delete(id);
    await this.run('readwrite', (all) => all[store].delete(id)).catch(() => {});
  }

  /** action(stores): the results of its requests, once the stores have taken everything. */
  run(mode, action) {
    return new Promise((resolve, reject) => {
      const transaction = this.db.transaction(STORES, mode), stores = Object.fromEntries(STORES.map((name) => [name, transaction.objectStore(name)]));
      const requests = action(stores);
      transaction.oncomplete = () => resolve(Array.isArray(requests) ? requests.map((r) => r.result) : requests.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }
}

const IDBKeyRangeOf = (id) => IDBKeyRange.bound([id, 0], [id, Infinity]);

function joined(pieces) {
  const out = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) { out.set(piece, at); at += piece.length; }
  return out;
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = ({ oldVersion }) => {
      for (const name of STORES) request.result.createObjectStore(name, name === 'sound' ? {} : { keyPath: 'id' });
      if (oldVersion === 1) takeOver(request);
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close(); // a newer version of the page is open in another tab
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => setTimeout(reject, BLOCKED_MS);
  });
}

/** Version 1 had one speech in an entry, its samples in one piece. It is taken over. */
function takeOver({ transaction }) {
  const of = (name) => transaction.objectStore(name);
  of('entries').getAll().onsuccess = ({ target }) => {
    for (const { id, at, voiceName, language, ...take } of target.result) {
      of('docs').put({ id, at, name: '', text: take.request.text, language, passages: [{ take: id }], takes: [id] });
      of('takes').put({ id, at, voiceName, ...take });
      of('samples').get(id).onsuccess = ({ target: { result: buffer } }) => { if (buffer) of('sound').put(buffer, [id, 0]); };
    }
    for (const name of ['entries', 'samples']) of(name).clear();
  };
}
