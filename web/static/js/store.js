// Speech kept in this browser: IndexedDB, or memory where that is refused. Knows no page.

const NAME = 'kyutai-tts', VERSION = 1;
const STORES = ['entries', 'samples'];
const MAX_ENTRIES = 50;
const MAX_BYTES = 100e6; // of samples: 35 minutes

/** Open the store. */
export async function openStore() {
  try {
    return new Store(await open());
  } catch {
    return new Store(null);
  }
}

class Store {
  constructor(db) {
    this.db = db;
    this.memory = new Map(); // id -> { entry, samples }, what the database would not take
  }

  /** 'kept', 'full' (the newest last only as long as the tab), 'refused' (all do). */
  get state() { return !this.db ? 'refused' : this.memory.size ? 'full' : 'kept'; }

  /** All entries without their samples, newest first. */
  async entries() {
    const kept = await this.run('readonly', (entries) => entries.getAll()).catch(() => { this.db = null; return []; });
    return [...kept, ...[...this.memory.values()].map((m) => m.entry)].sort((a, b) => b.at - a.at);
  }

  /** Int16Array, or null when they are no longer kept. */
  async samples(id) {
    if (this.memory.has(id)) return this.memory.get(id).samples;
    const kept = await this.run('readonly', (_, samples) => samples.get(id)).catch(() => null);
    return kept ? new Int16Array(kept) : null;
  }

  /** entry: plain data with id, at (milliseconds) and bytes. The oldest make room. */
  async add(entry, samples) {
    const put = (entries, all) => { all.put(samples.buffer, entry.id); return entries.put(entry); };
    await this.run('readwrite', put).catch(() => this.memory.set(entry.id, { entry, samples })); // full or forbidden
    let bytes = 0;
    for (const [i, old] of (await this.entries()).entries()) {
      bytes += old.bytes;
      if (i && (i >= MAX_ENTRIES || bytes > MAX_BYTES)) await this.remove(old.id);
    }
  }

  async remove(id) {
    this.memory.delete(id);
    await this.run('readwrite', (entries, samples) => { samples.delete(id); return entries.delete(id); }).catch(() => {});
  }

  /** action(entries, samples): its request's result, once both stores have taken everything. */
  run(mode, action) {
    return new Promise((resolve, reject) => {
      const transaction = this.db.transaction(STORES, mode), request = action(...STORES.map((name) => transaction.objectStore(name)));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('entries', { keyPath: 'id' });
      request.result.createObjectStore('samples');
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}
