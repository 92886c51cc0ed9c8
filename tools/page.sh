# shellcheck shell=bash
# The web page, which the program holds. Sourced like packages.sh, and after it.

# Whether what builds the page is there: Node.js 18.20 or newer.
has_node() {
    command -v npm >/dev/null && command -v node >/dev/null &&
        node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 18 || (a == 18 && b >= 20) ? 0 : 1)'
}

# Installs what package-lock.json names, if that is not there. No package runs a script of its own for it.
need_page_packages() {
    cmp -s frontend/package-lock.json frontend/node_modules/.installed && return
    say 'Installing what the web page is built with'
    npm ci --prefix frontend --cache .dev/npm --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error &&
        cp frontend/package-lock.json frontend/node_modules/.installed
}

# Tries the page's ways to the server.
test_page() {
    need_page_packages && npm test --prefix frontend --silent
}

# Builds the page, if it is not that of its sources.
build_page() {
    local sources=(frontend/{index.html,package-lock.json,src,tsconfig.json,vite.config.ts,worker})
    if [[ -s frontend/dist/index.html && -z $(find "${sources[@]}" -newer frontend/dist/index.html -print -quit) ]]; then
        return
    fi
    need_page_packages || return
    say 'Building the web page'
    (cd frontend && npm run --silent build -- --logLevel warn)
}
