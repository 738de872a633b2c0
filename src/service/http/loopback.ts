import { CloudCodeError } from '../../engine/core/errors.ts';

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/i;

/** @throws CloudCodeError `host_refused` */
export function refuseHost(host: string): void {
  if (loopback.test(host)) return;
  throw new CloudCodeError(
    'host_refused',
    `--host is ${JSON.stringify(host)}: without authentication the server listens on loopback only.`,
    {
      hint: 'Leave --host out. From another machine, use an SSH tunnel: ssh -L 4000:127.0.0.1:4000 HOST',
    },
  );
}
