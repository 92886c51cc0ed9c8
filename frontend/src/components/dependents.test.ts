import { HttpError } from 'react-admin';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../client';
import { translated } from '../dataProvider';
import { dependentsOf } from './dependents';

const refused = (message: string) =>
    translated(new Refusal(409, 'conflict', message, [{ field: '', code: 'dependents', message }]));

describe('what hangs on a record', () => {
    it('is counted by resource, with the ways out that the server offers', () => {
        const all = refused('2 in karanas refer to it; delete them first, or ask for dependents=release or dependents=delete');
        expect(dependentsOf(all)).toEqual({ counts: [{ resource: 'karanas', count: 2 }], ways: ['release', 'delete'] });
        const one = refused('1 in maintenances and 12 in sim-cards refer to it; delete them first, or ask for dependents=delete');
        expect(dependentsOf(one)).toEqual({
            counts: [{ resource: 'maintenances', count: 1 }, { resource: 'sim-cards', count: 12 }], ways: ['delete'],
        });
    });

    it('is not read out of other refusals', () => {
        expect(dependentsOf(translated(new Refusal(409, 'conflict', '2 in karanas')))).toBeUndefined();
        expect(dependentsOf(new HttpError('karana.conflict', 412))).toBeUndefined();
        expect(dependentsOf(new Error('2 in karanas'))).toBeUndefined();
    });
});
