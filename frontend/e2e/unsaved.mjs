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
        // Step by step: of an address that was written by hand the page cannot go back.
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
        ];
        for (const [count, leave] of ways.entries()) {
            const question = page.waitForEvent('dialog');
            await leave();
            await question;
            assert.equal(asked.length, count + 1);
            assert.equal(await note.inputValue(), 'not saved yet');
        }
        assert.deepEqual(asked, ['confirm', 'confirm', 'beforeunload', 'confirm']);
        // Who is sure goes, and who has saved is not asked.
        answer = 'accept';
        await page.getByRole('menuitem', { name: 'Owners' }).click();
        await page.getByText('School of Bo').first().waitFor();
        answer = 'dismiss';
        await opens();
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
        assert.equal(asked.length, 5);
    });
    await person.leaves();
}
