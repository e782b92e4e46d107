"""End a server from outside the browser, for pages without scripts."""

import asyncio

import aiohttp


async def end_server(run, name):
    """Delete the pod of an account and wait until it is gone."""
    headers = {"Authorization": f"Bearer {run.cluster['token']}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for _ in range(300):
            async with http.get(f"{run.cluster['url']}/api/v1/pods") as answer:
                pods = [
                    p["metadata"] for p in (await answer.json())["items"] if name in p["metadata"]["name"]
                ]
            if not pods:
                return
            for pod in pods:
                address = f"{run.cluster['url']}/api/v1/namespaces/{pod['namespace']}/pods/{pod['name']}"
                async with http.delete(f"{address}?gracePeriodSeconds=0"):
                    pass
            await asyncio.sleep(0.1)
    raise AssertionError(f"the pod of {name} does not end")
