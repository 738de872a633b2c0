import neo4j from 'neo4j-driver';

export async function run() {
  const driver = neo4j.driver('bolt://127.0.0.1:1', neo4j.auth.basic('a', 'b'), { connectionTimeout: 300, maxTransactionRetryTime: 100 });
  const refused = await driver.verifyConnectivity().catch((error) => error.code);
  await driver.close();
  return { refused, sum: neo4j.int(40).add(2).toNumber() };
}
