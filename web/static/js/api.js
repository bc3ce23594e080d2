// Asking the server: relative addresses, the API key, errors as one kind of exception. Knows no part of the page.
import * as prefs from './prefs.js';

/** What the server, or the way to it, said instead of an answer. status 0: it could not be reached. */
export class ApiError extends Error {
  constructor(status, { message = '', code = null, param = null } = {}, { retryAfterS = null, requestId = null } = {}) {
    super(message);
    Object.assign(this, { status, code, param, retryAfterS, requestId });
  }
}

const NOBODY_HOME = new Set([502, 503, 504]); // what a proxy answers for a server that it cannot reach

/** Tells 'lost' when the server cannot be reached, 'found' when it answers, 'refused' on a 401. */
export const link = new EventTarget();

export const apiKey = () => prefs.get('key', '');
export const setApiKey = (key) => prefs.set('key', key || undefined);

/** The response to a request that succeeded. Raises ApiError, or AbortError if it was given up. key: another than the kept one. */
export async function ask(path, { method = 'GET', json, body, type, signal, key = apiKey() } = {}) {
  const headers = {};
  if (json !== undefined) { headers['content-type'] = 'application/json'; body = JSON.stringify(json); }
  if (type) headers['content-type'] = type;
  if (key) headers.authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, { method, headers, body, signal });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    link.dispatchEvent(new Event('lost'));
    throw new ApiError(0);
  }
  const error = response.ok ? null : await failure(response);
  link.dispatchEvent(new Event(error?.status === 0 ? 'lost' : 'found'));
  if (!error) return response;
  if (error.status === 401) link.dispatchEvent(new Event('refused'));
  throw error;
}

export async function askJson(path, options) {
  const response = await ask(path, options);
  try { return await response.json(); } catch { /* cut off, or not from our server */ }
  link.dispatchEvent(new Event('lost'));
  throw new ApiError(0);
}

async function failure(response) {
  let said = null;
  try { said = (await response.json()).error; } catch { /* a proxy's page rather than our answer */ }
  if (!said && NOBODY_HOME.has(response.status)) return new ApiError(0);
  const wait = parseFloat(response.headers.get('retry-after'));
  return new ApiError(response.status, said ?? {}, {
    retryAfterS: Number.isFinite(wait) ? wait : null,
    requestId: response.headers.get('x-request-id'),
  });
}
