FROM node:24-slim AS build
WORKDIR /penstock
COPY . .
RUN npm ci && npm run build && npm ci --omit=dev --ignore-scripts

FROM node:24-slim
WORKDIR /penstock
COPY --from=build /penstock/dist ./
COPY --from=build /penstock/node_modules ./node_modules
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
WORKDIR /data
EXPOSE 8083
ENV NODE_ENV=production PENSTOCK_CACHE=/tmp/penstock
ENTRYPOINT ["node", "/penstock/bin/penstock.js"]
# Inside of a container only the published ports can be reached; docker-compose.yml publishes them on loopback.
CMD ["worker", "--set", "listeners=http://0.0.0.0:8083", "--set", "listeners.allow.unauthenticated=true"]
