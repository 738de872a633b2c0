import { charge, isCharged } from '../../src/payments.ts';

// Charges one invoice. The payment service takes money each time it is asked, so whether it was asked has to be known.
export async function run(parameters) {
  let taskstate = await DB.taskstate.first(parameters.state_id);
  if (taskstate.status == 'complete') {
    console.log('task is already completed');
  } else if (taskstate.status == 'started') {
    console.log('task has been started previously');
    await resume(taskstate, parameters);
  } else {
    taskstate.status = 'started';
    await taskstate.save();
    try {
      await charge(await taskstate.invoice());
      taskstate.status = 'complete';
      await taskstate.save();
    } catch (error) {
      taskstate.error = error.message;
      await taskstate.save();
      if (taskstate.tries_remaining > 0) {
        taskstate.status = null;
        const again = new DB.Batch();
        again.save(taskstate);
        again.increment(taskstate, { tries_remaining: -1 });
        again.scheduleTask({ task: 'perform', parameters });
        await again.execute();
      }
    }
  }
}

/** The decision that is ours: ask the service whether the money was taken, and go on from there. */
async function resume(taskstate, parameters) {
  if (await isCharged(await taskstate.invoice())) {
    taskstate.status = 'complete';
    await taskstate.save();
    return;
  }
  // Both or neither: the state that lets the next run begin, and the run.
  taskstate.status = null;
  const batch = new DB.Batch();
  batch.save(taskstate);
  batch.scheduleTask({ task: 'perform', parameters });
  await batch.execute();
}
