// What the page shows is the product of three machines: the job, the player, the link. A pure function; knows no element.

/** job: or null. player: { state, next, opening }. */
export function viewOf(job, player, hasText) {
  const nothing = hasText ? 'ready' : 'empty';
  if (!job) return nothing;
  if (job.state === 'asking' || job.state === 'queued' || job.state === 'loading' || job.state === 'busy') return job.state;
  if (!job.sounds) return job.state === 'failed' ? 'error' : nothing;
  if (player.state === 'playing') return 'speaking';
  if (player.state === 'blocked') return player.opening ? 'asking' : 'blocked';
  if (player.state === 'buffering') return player.next ? 'waiting' : 'asking';
  if (player.state === 'ended' || job.state === 'failed' || job.state === 'stopped') return OVER[job.state] ?? 'paused';
  return 'paused';
}

const OVER = { complete: 'done', stopped: 'stopped', failed: 'broken' };

/** The dot beside the state's word. */
export const TONE = {
  asking: 'live', queued: 'live', loading: 'live', speaking: 'live', waiting: 'warn', busy: 'warn', blocked: 'warn',
  done: 'ok', broken: 'bad', error: 'bad',
};
