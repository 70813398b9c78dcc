# facemod in a container, for CPUs or for NVIDIA GPUs:
#     docker build -t facemod .
#     docker build -t facemod:cuda --build-arg TORCH=cu128 .
#     docker run --rm -v "$PWD:/photos" facemod edit me.jpg --smile 1.5
#     docker run --rm --gpus all -v "$PWD:/photos" facemod:cuda edit me.jpg --smile 1.5
FROM python:3.12-slim AS build
# cpu, or a build for CUDA such as cu128: what PyTorch's index calls them.
ARG TORCH=cpu
COPY . /source
RUN python -m venv /facemod \
    && /facemod/bin/pip install --no-cache-dir torch \
        --index-url "https://download.pytorch.org/whl/${TORCH}" \
    && /facemod/bin/pip install --no-cache-dir "/source[heif]"

FROM python:3.12-slim
COPY --from=build /facemod /facemod
ENV PATH=/facemod/bin:$PATH HOME=/home/facemod
# The container may run as any user (--user); what it learns of photos needs a place.
RUN mkdir -p -m 1777 /home/facemod /photos
WORKDIR /photos
ENTRYPOINT ["facemod"]
CMD ["--help"]
