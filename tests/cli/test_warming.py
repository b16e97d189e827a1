from __future__ import annotations


def test_a_run_that_fails_while_warming_says_why_and_ends_with_its_status(konseho, council):
    broken = council(model='model: "sim:errors=1"')
    ran = konseho("cache", "warm", broken, "-q")
    assert ran.status == 3
    assert "simulated failure" in ran.err
    assert ran.out.startswith("2 calls: 0 new")
