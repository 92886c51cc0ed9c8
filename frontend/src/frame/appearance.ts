import { type ThemeType, useRemoveFromStore, useStore } from 'react-admin';

export const APPEARANCES = ['system', 'light', 'dark'] as const;
export type Appearance = (typeof APPEARANCES)[number];

/** Light, dark, or as the system has it: what nobody has chosen is not stored. */
export function useAppearance(): [Appearance, (appearance: Appearance) => void] {
    const [theme, setTheme] = useStore<ThemeType>('theme');
    const remove = useRemoveFromStore('theme');
    return [theme ?? 'system', appearance => (appearance === 'system' ? remove() : setTheme(appearance))];
}
