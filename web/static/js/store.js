// Speech kept in this browser: IndexedDB, or memory where that is refused. Knows no page.

const NAME = 'kyutai-tts', VERSION = 1;
const MAX_ENTRIES = 50;
const MAX_BYTES = 100e6; // of samples: 35 minutes

/** Open the store; `lasting` is false where it lasts only as long as the tab. */
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
    this.memory = new Map(); // id -> { entry, samples }
  }

  get lasting() { return this.db !== null; }

  /** All entries without their samples, newest first. */
  async entries() {
    const all = this.db ? await this.run('entries', 'readonly', (s) => s.getAll()) : [...this.memory.values()].map((m) => m.entry);
    return all.sort((a, b) => b.at - a.at);
  }

  /** Int16Array, or null when they are no longer kept. */
  async samples(id) {
    if (!this.db) return this.memory.get(id)?.samples ?? null;
    const kept = await this.run('samples', 'readonly', (s) => s.get(id));
    return kept ? new Int16Array(kept) : null;
  }

  /** entry: plain data with id, at (milliseconds) and bytes. The oldest make room. */
  async add(entry, samples) {
    this.memory.set(entry.id, { entry, samples });
    if (this.db) {
      try {
        await this.run('samples', 'readwrite', (s) => s.put(samples.buffer, entry.id));
        await this.run('entries', 'readwrite', (s) => s.put(entry));
        this.memory.delete(entry.id);
      } catch { this.db = null; } // full or forbidden: from here on in memory
    }
    let bytes = 0;
    for (const [i, old] of (await this.entries()).entries()) {
      bytes += old.bytes;
      if (i >= MAX_ENTRIES || bytes > MAX_BYTES) await this.remove(old.id);
    }
  }

  async remove(id) {
    this.memory.delete(id);
    if (!this.db) return;
    await this.run('samples', 'readwrite', (s) => s.delete(id));
    await this.run('entries', 'readwrite', (s) => s.delete(id));
  }

  run(store, mode, action) {
    return new Promise((resolve, reject) => {
      const transaction = this.db.transaction(store, mode), request = action(transaction.objectStore(store));
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
