// What is told to a device, and what it sends.
import type { Karana } from './karana';

export interface Place {
    host: string;
    port: number;
}

/** What a device and its InfluxDB user are made of. A karana in stock has none, and not everybody sees a password. */
export interface Device {
    uuid: string;
    owner: string;
    password: string;
    place: Place;
    karana: Karana;
}

export function deviceOf(karana: Karana, place: Place | null | undefined): Device | undefined {
    const { password } = karana.config;
    if (karana.owner === null || password === undefined || !place) return undefined;
    return { uuid: karana.id, owner: karana.owner, password, place, karana };
}

/** The line by which the firmware goes, as the server writes it to InfluxDB. */
export function configLine({ place, owner, password, karana: { config } }: Device): string {
    const { series, signal, post_int, get_int } = config;
    return `%${place.host}:${place.port}%${series}%${owner}%${password}%${signal}%${post_int}%${get_int}%`;
}

/** A name of a measurement, as line protocol wants it. */
const measurement = (name: string) => name.replace(/[, ]/g, '\\$&');

/** A text in quotes of a shell. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** A command that does what the device does: it posts one point, to try whether it may. */
export function curlLine({ uuid, owner, password, place, karana: { config, kid } }: Device): string {
    const address = `http://${place.host}:${place.port}/write?db=${owner}&precision=s`;
    const point = `${measurement(config.series)},KID=${kid ?? uuid} test=1`;
    return `curl -i -XPOST ${quoted(address)} -u ${quoted(`${uuid}:${password}`)} --data-raw ${quoted(point)}`;
}
