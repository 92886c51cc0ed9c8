// What is written in a form is not lost without a question.
import assert from 'node:assert/strict';
import { Person } from './stage.mjs';

export async function unsaved(browser, server, { karanas: [, { name }] }) {
    const person = await Person.at(browser, server);
    const { page } = person;
    const asked = [];
    let answer = 'dismiss';
    page.on('dialog', dialog => {
        asked.push(dialog.type());
        void dialog[answer]();
    });
    await person.does(async () => {
        await person.signsIn();
        const note = page.getByLabel('Note');
        const opens = async () => {
            await page.getByRole('menuitem', { name: 'Karanas' }).click();
            await page.getByText(name, { exact: true }).first().click();
            await page.getByRole('link', { name: 'Edit' }).click();
            await note.waitFor();
        };
        await opens();
        await note.fill('not saved yet');
        const ways = [
            () => page.getByRole('menuitem', { name: 'Owners' }).click(),
            () => page.evaluate(() => history.back()),
            () => page.evaluate(() => location.reload()),
            () => page.getByRole('link', { name: 'Show' }).click(),
            // As an address that is written by hand.
            () => page.evaluate(() => (location.hash = '#/users')),
        ];
        for (const [count, leave] of ways.entries()) {
            const question = page.waitForEvent('dialog');
            await leave();
            await question;
            assert.equal(asked.length, count + 1);
            assert.equal(await note.inputValue(), 'not saved yet');
        }
        assert.deepEqual(asked, ['confirm', 'confirm', 'beforeunload', 'confirm', 'confirm']);
        // Who is sure goes, and who has saved is not asked.
        answer = 'accept';
        for (const leave of [ways[0], ways.at(-1)]) {
            await leave();
            await page.getByText('School of Bo').first().waitFor();
            await opens();
            await note.fill('not saved yet');
        }
        answer = 'dismiss';
        await note.fill('saved');
        await page.getByRole('button', { name: 'Save' }).click();
        await page.waitForURL(/\/show$/);
        // Nor who deletes what they have written in.
        await opens();
        await note.fill('to be deleted');
        await page.getByRole('button', { name: 'Delete' }).click();
        await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
        await page.getByRole('button', { name: 'Undo' }).click();
        await page.waitForURL(/#\/karanas$/);
        // Nor who signs out.
        await opens();
        await note.fill('of no use any more');
        await page.getByRole('button', { name: /^Account/ }).click();
        await page.getByRole('menuitem', { name: 'Sign out' }).click();
        await page.getByLabel('E-mail').waitFor();
        assert.equal(asked.length, 7);
    });
    await person.leaves();
}
