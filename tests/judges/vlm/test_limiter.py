"""The bound on requests grows while the server can take more and halves when it complains; first come, first served."""

import asyncio

from evalkit.judges.vlm.limiter import AdaptiveLimit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def round_(limit: AdaptiveLimit, overloaded: int = 0) -> int:
    """Starts many requests at once; returns the largest number that was under way."""
    n, under_way, most = 2 * limit.bound, 0, 0
    gate = asyncio.Event()

    async def one(number: int) -> None:
        nonlocal under_way, most
        async with limit.slot() as slot:
            under_way += 1
            most = max(most, under_way)
            await gate.wait()
            slot.overloaded() if number < overloaded else slot.succeeded()
            under_way -= 1

    tasks = [asyncio.create_task(one(i)) for i in range(n)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    let_in = most
    gate.set()
    await asyncio.gather(*tasks)
    return let_in


def test_the_limit_grows_to_the_bound_and_not_beyond() -> None:
    async def run() -> list[int]:
        limit = AdaptiveLimit(20, first=4)
        return [await round_(limit) for _ in range(6)]

    seen = asyncio.run(run())
    assert seen[0] == 4
    assert seen == sorted(seen)
    assert seen[-1] == 20


def test_the_limit_halves_once_per_round_of_complaints_then_grows_slowly() -> None:
    async def run() -> tuple[int, int]:
        limit = AdaptiveLimit(16, first=16)

        async def one() -> None:
            async with limit.slot() as slot:
                await asyncio.sleep(0)
                slot.overloaded()

        await asyncio.gather(*(one() for _ in range(16)))
        halved = limit.bound
        await round_(limit)
        return halved, limit.bound

    halved, after = asyncio.run(run())
    assert halved == 8
    assert 8 <= after <= 11


def test_the_limit_never_falls_below_one() -> None:
    async def run() -> int:
        limit = AdaptiveLimit(4, first=4)
        for _ in range(10):
            async with limit.slot() as slot:
                slot.overloaded()
        return limit.bound

    assert asyncio.run(run()) == 1


def test_no_request_starts_while_the_server_asks_to_wait() -> None:
    async def run() -> bool:
        clock = Clock()
        limit = AdaptiveLimit(4, clock=clock)
        async with limit.slot() as slot:
            slot.overloaded(wait_s=0.05)
        started = asyncio.Event()

        async def late() -> None:
            async with limit.slot():
                started.set()

        task = asyncio.create_task(late())
        await asyncio.sleep(0.02)
        early = started.is_set()
        clock.now = 1.0
        await task
        return early

    assert asyncio.run(run()) is False


def test_a_cancelled_request_frees_its_place() -> None:
    async def run() -> None:
        limit = AdaptiveLimit(1)
        held = asyncio.Event()

        async def hold() -> None:
            async with limit.slot():
                await held.wait()

        async def pass_through() -> None:
            async with limit.slot():
                pass

        first = asyncio.create_task(hold())
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(pass_through()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        held.set()
        await first
        waiting[1].cancel()
        await asyncio.wait_for(waiting[2], 5)
        await asyncio.wait_for(pass_through(), 5)

    asyncio.run(run())
