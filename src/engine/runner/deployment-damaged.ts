/** The database does not have what a run's deployment names, or has it otherwise than it was deployed: no machine can run it. */
export class DeploymentDamaged extends Error {
  override readonly name = 'DeploymentDamaged';
}
