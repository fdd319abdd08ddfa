# A static binary in an empty image, run by an unprivileged user.
FROM rust:1.95-alpine AS build
# ring, the cryptography behind TLS, compiles C.
RUN apk add --no-cache build-base
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin llm-proxy

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/llm-proxy /llm-proxy
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/llm-proxy"]
CMD ["--config", "/etc/llm-proxy/config.yaml", "--host", "0.0.0.0"]
