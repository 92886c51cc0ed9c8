import { describe, expect, it } from 'vitest';
import { type Description, type Schema, columnsOf, explained, fieldsOf, humanised, namesOf } from '../../schema';
import { comparisons } from './filters';
import { rules } from './rules';
import { given, writable } from './values';

const uuid: Schema = { type: 'string', format: 'uuid', readOnly: true };
const created_at: Schema = { type: 'string', format: 'date-time', readOnly: true };
const KARANA: Schema = { type: ['string', 'null'], format: 'uuid', description: 'The uuid of one of karanas.', 'x-references': 'karanas' };

const CARD: Record<string, Schema> = {
    iccid: { type: 'string', description: 'the number printed on the card', minLength: 18 },
    karana: KARANA,
    megabytes: { type: 'integer', minimum: 0, default: 500 },
    pin: { type: ['string', 'null'], default: null, description: 'A secret: absent for those who may not see it.' },
    remarks: { type: 'string', maxLength: 4096, default: '' },
    spare: { type: 'boolean', default: false },
    state: { enum: ['active', 'lost'], default: 'active' },
    bought: { type: 'string', format: 'date' },
    contact: { type: 'string', format: 'email' },
    tags: { type: 'array' },
    position: { type: 'object', default: {}, properties: { latitude: { type: ['number', 'null'], maximum: 90 } } },
};
const sort = ['iccid', 'karana', 'megabytes', 'remarks', 'spare', 'state', 'bought', 'contact', 'position.latitude', 'created_at', 'uuid'];
const SERVER: Description = {
    components: {
        schemas: {
            'cards.New': { properties: CARD, required: ['karana', 'iccid'] },
            'cards.Record': { properties: { ...CARD, uuid, created_at, code: { type: 'string', readOnly: true }, status: { readOnly: true, properties: {} } } },
            'visits.New': { properties: {}, required: ['karana', 'date', 'technician'] },
            'visits.Record': { properties: { date: { type: 'string', format: 'date' }, karana: KARANA, technician: { type: 'string' } } },
            'sites.Record': { properties: { area: { type: 'number' }, name: { type: 'string' } } },
        },
    },
    paths: {
        '/v2/cards': { get: { parameters: [{ name: 'sort', schema: { items: { enum: sort.flatMap(name => [name, `-${name}`]) } } }] } },
        '/v2/visits': { get: { parameters: [{ name: 'sort', schema: { items: { enum: ['date', 'karana', 'technician'] } } }] } },
        '/v2/sites': { get: { parameters: [{ name: 'sort', schema: { items: { enum: ['area', 'name'] } } }] } },
    },
};

const field = (source: string, shape: 'New' | 'Record' = 'New') => {
    const found = fieldsOf(SERVER, 'cards', shape).find(one => one.source === source);
    if (found === undefined) throw new Error(source);
    return found;
};

describe('the fields of a described resource', () => {
    it('are of the kind that their schema says', () => {
        const kinds = Object.fromEntries(fieldsOf(SERVER, 'cards', 'New').map(({ source, kind }) => [source, kind]));
        expect(kinds).toEqual({
            iccid: 'text', karana: 'reference', megabytes: 'number', pin: 'text', remarks: 'long', spare: 'boolean', state: 'choice',
            bought: 'date', contact: 'email', tags: 'json', 'position.latitude': 'number',
        });
        expect(field('created_at', 'Record').kind).toBe('time');
    });

    it('are asked for, may be empty, or are only read', () => {
        expect(field('iccid')).toMatchObject({ required: true, nullable: false, readOnly: false });
        expect(field('karana')).toMatchObject({ required: false, nullable: true, reference: 'karanas' });
        expect(field('created_at', 'Record').readOnly).toBe(true);
        expect(field('state').choices).toEqual(['active', 'lost']);
    });

    it('are secret where nobody may sort by them', () => {
        const secret = fieldsOf(SERVER, 'cards', 'Record').filter(one => one.secret).map(({ source }) => source);
        expect(secret).toEqual(['pin', 'code']);
    });

    it('are neither the key nor the live state', () => {
        const sources = fieldsOf(SERVER, 'cards', 'Record').map(({ source }) => source);
        expect(sources).not.toContain('uuid');
        expect(sources.filter(source => source.startsWith('status'))).toEqual([]);
    });

    it('have readable names and explanations', () => {
        expect(humanised('config.post_int')).toBe('Config: post int');
        expect(explained(KARANA)).toBe('');
        expect(explained({ description: 'What was paid for. The uuid of one of karanas.' })).toBe('What was paid for.');
    });
});

describe('a list', () => {
    it('has columns of what is asked for first, no secrets, no long texts, and the time of making last', () => {
        const columns = columnsOf(SERVER, 'cards').map(({ source }) => source);
        expect(columns).toEqual(['iccid', 'karana', 'megabytes', 'spare', 'state', 'created_at']);
    });

    it('tells records apart by their name, or by what had to be said of them', () => {
        expect(namesOf(SERVER, 'sites').map(({ source }) => source)).toEqual(['name']);
        expect(namesOf(SERVER, 'visits').map(({ source }) => source)).toEqual(['date', 'technician']);
        expect(namesOf(SERVER, 'cards').map(({ source }) => source)).toEqual(['iccid']);
    });

    it('is filtered as suits the kind of the field', () => {
        expect(comparisons(field('iccid'))).toEqual([{ source: 'iccid@contains' }]);
        expect(comparisons(field('state'))).toEqual([{ source: 'state' }]);
        expect(comparisons(field('position.latitude')).map(({ source }) => source)).toEqual([
            'position.latitude@gte', 'position.latitude@lte',
        ]);
    });
});

describe('a form', () => {
    it('has the rules of the schema', () => {
        expect(rules(field('iccid'))).toHaveLength(2);
        expect(rules(field('contact'))).toHaveLength(1);
        expect(rules(field('spare'))).toHaveLength(0);
        expect(rules(field('position.latitude'))).toHaveLength(1);
    });

    it('sends nothing for what was left empty and cannot be null', () => {
        const fields = fieldsOf(SERVER, 'cards', 'New');
        const data = { iccid: '89', karana: null, megabytes: null, remarks: '', position: { latitude: null } };
        expect(given(fields, data)).toEqual({ iccid: '89', karana: null, position: { latitude: null } });
    });

    it('shows what one may change', () => {
        const fields = fieldsOf(SERVER, 'cards', 'Record');
        expect(writable(fields, ['iccid', 'position']).map(({ source }) => source)).toEqual(['iccid', 'position.latitude']);
        expect(writable(fields, true).map(({ source }) => source)).not.toContain('code');
        expect(writable(fields, false)).toEqual([]);
    });
});
