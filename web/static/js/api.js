// Asking the server: relative addresses, the API key, errors as one kind of exception. Knows no part of the page.
import * as prefs from './prefs.js';

/** What the server, or the way to it, said instead of an answer. status 0: it could not be reached. */
export class ApiError extends Error {
  constructor(status, { message = '', code = null, param = null } = {}, { retryAfterS = null, requestId = null } = {}) {
    super(message);
    Object.assign(this, { status, code, param, retryAfterS, requestId });
  }
}

/** Tells 'lost' when the server cannot be reached, 'found' when it answers, 'refused' on a 401. */
export const link = new EventTarget();

export const apiKey = () => prefs.get('key', '');
export const setApiKey = (key) => prefs.set('key', key || undefined);

/** The response to a request that succeeded. Raises ApiError, or AbortError if it was given up. */
export async function ask(path, { method = 'GET', json, body, type, signal } = {}) {
  const headers = {};
  if (json !== undefined) { headers['content-type'] = 'application/json'; body = JSON.stringify(json); }
  if (type) headers['content-type'] = type;
  if (apiKey()) headers.authorization = `Bearer ${apiKey()}`;
  let response;
  try {
    response = await fetch(path, { method, headers, body, signal });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    link.dispatchEvent(new Event('lost'));
    throw new ApiError(0);
  }
  link.dispatchEvent(new Event('found'));
  if (response.ok) return response;
  const error = await failure(response);
  if (error.status === 401) link.dispatchEvent(new Event('refused'));
  throw error;
}

export const askJson = async (path, options) => (await ask(path, options)).json();

async function failure(response) {
  let said = {};
  try { said = (await response.json()).error ?? {}; } catch { /* a proxy's page rather than our answer */ }
  const wait = parseFloat(response.headers.get('retry-after'));
  return new ApiError(response.status, said, {
    retryAfterS: Number.isFinite(wait) ? wait : null,
    requestId: response.headers.get('x-request-id'),
  });
}
