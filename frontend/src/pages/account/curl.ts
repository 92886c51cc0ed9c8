import { EVERY, lines } from './scopes';

/** A command that shows that the key works, by something that it may do. */
export function curl(origin: string, { key, scopes }: { key: string; scopes: readonly string[] }): string {
    const { records, server } = lines(scopes);
    const readable = records.find(({ verbs }) => verbs.includes('read'));
    const resource = readable?.resource === EVERY ? 'karanas' : readable?.resource;
    const command = (path: string) => `curl -H 'Authorization: Bearer ${key}' '${origin}${path}'`;
    if (resource !== undefined) return command(`/v2/${resource}?limit=10`);
    return command(server.includes('metrics') ? '/metrics' : '/v2/me');
}
