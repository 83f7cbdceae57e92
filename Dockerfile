# One image for every role: docker run IMAGE api | worker | upload-worker | migrate | setup | token
# glibc is needed by the native core of the Temporal SDK, so no Alpine.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Scripts of packages do not run; the build of our own comes below, when the sources are there.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
# Compiles, and bundles the workflows: a worker of this image never bundles at run time.
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:22-bookworm-slim
# The Temporal SDK wants the certificates even without TLS.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production \
    API_HOST=0.0.0.0 \
    API_PORT=8080 \
    WORKFLOW_BUNDLE=/app/build/workflow-bundle.js
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/build build
COPY package.json ./
COPY migrations migrations
# docker build --build-arg GIT_COMMIT="$(git rev-parse HEAD)" .
ARG GIT_COMMIT=
ENV GIT_COMMIT=$GIT_COMMIT
USER node
EXPOSE 8080
# Process 1 is node itself, so that SIGTERM reaches it.
ENTRYPOINT ["node", "build/src/main.js"]
CMD ["api"]
