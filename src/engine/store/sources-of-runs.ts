import { finalStates } from '../core/run.ts';
import { type Asked, stateOfRun, where, whereRun } from './run-filter.ts';

// Where the newest runs of a filter are looked for: each gives `id, seq` of as many of them as are asked for.

/** Names the columns, and all values: some are asked for by none of the others. */
export function none({ environment, limit, of }: Asked): string {
  return `
          select null::uuid as id, null::bigint as seq where num_nulls(${[environment, limit, ...Object.values(of)].join(', ')}) < 0`;
}

/** Places in the order of scheduling, for times. */
export function bounds({ environment, of: { since, until, task } }: Asked): string {
  const placeOf = (at: string | undefined, name: string): readonly string[] =>
    at === undefined ? [] : [`cloudcode.first_seq_since(${environment}, tasks.names, ${at}) as ${name}`];
  const places = [...placeOf(since, 'first'), ...placeOf(until, 'after_last')];
  const tasks = task === undefined ? `cloudcode.tasks_of_runs(${environment})` : `array[${task}]`;
  return places.length === 0
    ? ''
    : `bounds as materialized (
        select ${places.join(', ')} from (select ${tasks} as names) tasks
      ), `;
}

/** The newest of each task, merged. */
export function ofTasks(asked: Asked, limit: string): string {
  const { environment, of } = asked;
  const tasks = of.task === undefined ? `unnest(cloudcode.tasks_of_runs(${environment}))` : `(values (${of.task}))`;
  return `
          (select of_task.id, of_task.seq from ${tasks} as task (name) cross join lateral (
            select r.id, r.seq from cloudcode.runs r where r.task = task.name and ${where(asked, 'r', {})} order by r.seq desc limit ${limit}
          ) of_task order by of_task.seq desc limit ${limit})`;
}

/** Finished runs, by an index that has those of a state in their order. */
export function listed(asked: Asked): string {
  const { environment, limit, of } = asked;
  const ofState = (state: string, ofTask = ''): string =>
    `select l.task, l.seq from cloudcode.listed l where l.state = ${state} and ${ofTask}${where(asked, 'l', {
      task: 'l.task',
      queue: 'l.queue',
      key: 'l.key',
      scheduledBy: 'l.scheduled_by',
      deployment: 'l.deployment_id',
      fingerprint: 'l.fingerprint',
    })} order by l.seq desc limit ${limit}`;
  const hasIndex = [of.task, of.queue, of.key, of.scheduledBy, of.deployment, of.fingerprint].some(
    (each) => each !== undefined,
  );
  const states = of.state === undefined ? finalStates.map((state) => `'${state}'`) : [of.state];
  const found = hasIndex
    ? states.map((state) => `(${ofState(state)})`).join(' union all ')
    : states
        .map(
          (
            state,
          ) => `(select of_task.* from unnest(cloudcode.tasks_of_runs(${environment})) as each (name) cross join lateral (
              ${ofState(state, 'l.task = each.name and ')}
            ) of_task)`,
        )
        .join(' union all ');
  return `
          (select r.id, r.seq from (
            select task, seq from (${found}) of_states order by seq desc limit ${limit}
          ) l cross join lateral (
            -- With a limit each is looked up by itself: for a thousand, the planner would read all runs.
            select id, seq from cloudcode.runs where environment_id = ${environment} and task = l.task and seq = l.seq limit 1
          ) r)`;
}

/** Finished runs that are not listed yet. */
export function unlisted(asked: Asked): string {
  const { environment, limit, of } = asked;
  const isDead = of.state === undefined ? '' : ` and e.dead = (${of.state} = 'dead')`;
  return `
          (select r.id, r.seq from cloudcode.endings e cross join lateral unnest(e.run_ids) as ended (id)
            join cloudcode.runs r on r.id = ended.id and r.finished_at = e.at
          where e.environment_id = ${environment} and not e.listed${isDead} and ${whereRun(asked)} order by r.seq desc limit ${limit})`;
}

export function running(asked: Asked): string {
  const { environment, limit, of } = asked;
  const found =
    of.queue === undefined
      ? 'select distinct unnest(c.run_ids) as id from cloudcode.claims c'
      : `select each.id from cloudcode.runs each where each.environment_id = ${environment} and each.running_queue = ${of.queue}`;
  return `
          (select r.id, r.seq from (${found}) claimed join cloudcode.runs r using (id)
          where r.state = 'running' and ${whereRun(asked)} order by r.seq desc limit ${limit})`;
}

/** By the index that holds keys apart. */
export function unfinishedOfKey(asked: Asked): string {
  const { environment, limit, of } = asked;
  const tasks = of.task === undefined ? `unnest(cloudcode.tasks_of_runs(${environment}))` : `(values (${of.task}))`;
  const isOfDeployment = of.deployment === undefined ? '' : " and r.state = 'running'";
  return `
          (select r.id, r.seq from ${tasks} as task (name) join cloudcode.runs r on r.task = task.name and r.live_key = ${of.key ?? ''}
          where ${whereRun(asked)}${isOfDeployment} order by r.seq desc limit ${limit})`;
}

/** Up to here all runs that wait are looked at. */
const few = 10_000;

/** Whether few runs wait, for what asks for it. */
export function fewWaiting({ environment, of }: Asked): string {
  const places = (table: string): string =>
    `(select from cloudcode.${table} where environment_id = ${environment} limit ${few + 1})`;
  // A task schedules its runs while it runs: where many wait, only those of that time are looked at.
  const ofCaller =
    of.scheduledBy === undefined
      ? ''
      : `of_caller as materialized (
        select cloudcode.first_seq_since(${environment}, tasks.names, r.started_at) as first,
          cloudcode.first_seq_since(${environment}, tasks.names, coalesce(r.finished_at, now()) + interval '1 second') as after_last
        from cloudcode.runs r cross join (select cloudcode.tasks_of_runs(${environment}) as names) tasks where r.id = ${of.scheduledBy}
      ), `;
  return `few as materialized (
        select count(*) <= ${few} as wait from (${places('ready')} union all ${places('backlog')}) waiting
      ), ${ofCaller}`;
}

/** Runs that wait: their places tell all that is asked, but their task and who scheduled them. */
export function waiting(asked: Asked): string {
  return `${waitingIn(asked, 'ready')}
          union all${waitingIn(asked, 'backlog')}`;
}

function waitingIn(asked: Asked, table: 'ready' | 'backlog'): string {
  const { limit, of } = asked;
  const conditions = [
    where(asked, 'w', { queue: 'w.queue' }),
    ...(of.state === undefined ? [] : [`case when w.wake_at > now() then 'scheduled' else 'queued' end = ${of.state}`]),
    ...(of.scheduledBy === undefined
      ? []
      : [
          '((select wait from few) or w.seq >= coalesce((select first from of_caller), 0) and w.seq < coalesce((select after_last from of_caller), w.seq + 1))',
        ]),
  ];
  const ordered = `select w.run_id, w.seq from cloudcode.${table} w where ${conditions.join(' and ')} order by w.seq desc`;
  const ofRun = [
    ...(of.task === undefined ? [] : [`r.task = ${of.task}`]),
    ...(of.scheduledBy === undefined ? [] : [`r.scheduled_by = ${of.scheduledBy}`]),
  ];
  if (ofRun.length === 0)
    return `
          (${ordered} limit ${limit})`;
  // Looked at one by one in their order, until there are enough.
  return `
          (select w.run_id, w.seq from (${ordered}) w where (select ${ofRun.join(' and ')} from cloudcode.runs r where r.id = w.run_id) limit ${limit})`;
}

/** Of each task: where many runs wait, most of the newest do. */
const newestProbed = 200;

/** All runs that wait. Where many do, they are looked for among the newest runs first. */
export function waitingOfAll(asked: Asked): string {
  const { limit, of } = asked;
  return `
          (with probe as materialized (
            select r.id, r.seq from (${ofTasks(asked, String(newestProbed))}) newest_runs join cloudcode.runs r using (id)
            where not (select wait from few) and ${stateOfRun} = ${of.state ?? ''} order by r.seq desc limit ${limit}
          ), enough as materialized (
            select count(*) = ${limit} as found from probe
          )
          select id, seq from probe where (select found from enough)
          union all
          select id, seq from (${waiting(asked)}) waiting (id, seq) where not (select found from enough))`;
}
