// The page without its server: what it is made of is kept, so that what was written and spoken here opens all the same. Answers of
// the API are never kept.
const NAME = '{{ parts }}', PARTS = ['./', {% for name in names %}'{{ parts }}/{{ name }}', {% endfor %}];

self.addEventListener('install', (event) => event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(PARTS)).then(() => self.skipWaiting())));

self.addEventListener('activate', (event) => event.waitUntil(
  caches.keys().then((names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)))).then(() => self.clients.claim()),
));

/** The page itself is asked for anew; without a server the kept one opens. Its parts never change at their address. */
self.addEventListener('fetch', (event) => {
  const { request } = event, part = request.url.startsWith(new URL(NAME, self.registration.scope).href);
  if (request.method !== 'GET' || (request.mode !== 'navigate' && !part)) return;
  const home = request.url.split('#')[0] === self.registration.scope;
  if (request.mode === 'navigate' && !home) return;
  event.respondWith(part ? caches.match(request).then((kept) => kept ?? fetch(request)) : fetch(request).catch(() => caches.match('./')));
});
