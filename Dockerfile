# One image for each service: docker build --build-arg APP=timer-api --tag timers/timer-api .
# It runs the TypeScript sources; the compile cache is filled while the image is built.

FROM node:26.10.0-slim AS generated
WORKDIR /srv
COPY package.json package-lock.json .npmrc ./
COPY packages/proto packages/proto
RUN npm ci --ignore-scripts --workspace @timers/proto \
 && npm run generate --workspace @timers/proto

FROM node:26.10.0-slim
ARG APP
WORKDIR /srv
COPY package.json package-lock.json .npmrc ./
COPY packages/proto/package.json packages/proto/
COPY packages/shared/package.json packages/shared/
COPY apps/${APP}/package.json apps/${APP}/
RUN npm ci --ignore-scripts --omit=dev --workspace @timers/${APP} && npm cache clean --force
COPY --from=generated /srv/packages/proto/src/gen packages/proto/src/gen
COPY packages/shared/src packages/shared/src
COPY apps/${APP} apps/${APP}
ENV APP=${APP} NODE_ENV=production NODE_COMPILE_CACHE=/srv/.cache
RUN node -e "import('/srv/apps/${APP}/src/app.ts')"
USER node
STOPSIGNAL SIGTERM
CMD exec node apps/${APP}/src/main.ts
