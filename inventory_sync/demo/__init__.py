"""
The product against three marketplaces on this machine, with buyers: ``make demo``; and ``make run``, the product by itself.

    options     what was asked for on the command line
    goods       200 SKUs
    demand      who buys what how often, and how much of it stands on the shelf
    world       goods, buyers and shelves of one seed
    market      the sandbox: its catalogues and its control API
    scaling     account settings for marketplaces whose clock runs faster
    children    the processes
    stage       the product's side of the set-up, through the product's own doors
    audit       what became of every order, and whether everything has converged
    report      the figures and the bars they are held against (pure)
    screen      the terminal
    play        open the shops, let buyers come, settle, report
    session     servers and processes around it, from start to stop
    run         web, workers and beat by themselves

Imported by no product code.
"""
