# Builds the program with glibc, as docs/performance.md measured it. The image contains the program, the C library and the root
# certificates, and runs as an unprivileged user.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin llm-proxy

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/llm-proxy /llm-proxy
EXPOSE 8080
ENTRYPOINT ["/llm-proxy"]
CMD ["--config", "/etc/llm-proxy/config.yaml", "--host", "0.0.0.0"]
