export const AboutPage = () => null;
