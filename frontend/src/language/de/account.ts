import type english from '../en/account';

const words: typeof english = {};

export default words;
